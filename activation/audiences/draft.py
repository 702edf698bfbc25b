"""The audience of a campaign while its people come batch by batch: on disk, for they may be millions."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from activation.audiences.selection import Audience
from activation.audiences.spreadsheet import append_csv
from contracts.errors import LakeError


class Draft:
    """Its files so far, and the account of everyone who was considered."""

    def __init__(self, name: str, folder: Path) -> None:
        """Begin the files `audience.csv` and `audience.parquet` in a new folder."""
        folder.mkdir(parents=True)
        self.name = name
        self.files = {file: folder / file for file in ("audience.csv", "audience.parquet")}
        self._writer: pq.ParquetWriter | None = None
        self._scored = self._exported = self._failed = 0
        self._suppressed: Counter[str] = Counter()

    def add(self, audience: Audience) -> None:
        """Write the rows of a batch, and count it; no person may be in two batches."""
        append_csv(audience.rows, self.files["audience.csv"], with_header=self._writer is None)
        rows = pa.Table.from_pandas(audience.rows, preserve_index=False)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self.files["audience.parquet"], rows.schema)
        self._writer.write_table(rows)
        self._scored += audience.scored
        self._exported += len(audience.rows)
        self._failed += audience.failed
        for reason, people in audience.suppressed.items():
            self._suppressed[reason] += people

    def finish(self, smallest_group: int) -> dict[str, Any]:
        """End the files, without any row where there are fewer people than `smallest_group`; returns the account.

        Those are counted as `small_group`.

        Raises:
            LakeError: somebody is lost, or counted twice.
        """
        self._writer.close()
        withheld = self._exported if self._exported < smallest_group else 0
        if withheld:
            self._withhold()
        self._suppressed["small_group"] += withheld
        if self._exported + self._suppressed["not_planned"] < smallest_group:  # too small before it was planned
            self._suppressed["small_group"] += self._suppressed.pop("not_planned", 0)
        account = {
            "scored": self._scored,
            "exported": self._exported - withheld,
            "suppressed": dict(self._suppressed),
            "failed": self._failed,
        }
        require_balance(self.name, account)
        return account

    def _withhold(self) -> None:
        file = self.files["audience.parquet"]
        none = pq.read_schema(file).empty_table()
        pq.write_table(none, file)
        self.files["audience.csv"].unlink()
        append_csv(none.to_pandas(), self.files["audience.csv"], with_header=True)


def require_balance(name: str, account: dict[str, Any]) -> None:
    """Nobody may be lost, and nobody counted twice.

    Raises:
        LakeError: scored differs from exported + suppressed + failed.
    """
    counted = account["exported"] + sum(account["suppressed"].values()) + account["failed"]
    if account["scored"] != counted:
        raise LakeError(
            expected=f"{account['scored']} people of audience {name} = exported + suppressed + failed",
            received=f"{counted}: {account}",
            remedy="look for people who stand twice in a mart of people or in scores; nothing of it was published",
        )
