"""Raw deliveries that have lived their span; one not mapped yet stays, and so do photos and sounds that are in use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from contracts.lake import Lake
from contracts.raw import CONTACTS, landed_days, landed_sources
from contracts.tables.mapped import RECONCILIATION
from contracts.tables.marts import POSTED_FILES
from ops.cleaning.removal import Removal, Today, days, half_removed, is_day, remove_path


@dataclass(frozen=True)
class Deliveries:
    """Those of a raw folder."""

    raw: Path
    lake: Lake
    span: int | None
    today: Today

    def removals(self) -> Iterator[Removal]:
        """Deliveries that go. The newest of each source stays: what a source says of itself is seen in it."""
        for source in (*landed_sources(self.raw), CONTACTS) if self.span is not None else []:
            for ds in landed_days(self.raw, source)[:-1]:
                if is_day(ds) and self.today.is_past(ds, self.span) and self._is_mapped(source, ds):
                    yield from self._delivery(source, ds)
        if self.span is not None:
            yield from half_removed(self.raw, "raw")

    def _is_mapped(self, source: str, ds: str) -> bool:
        """Whether the books of that day have the source; without them, the next night would map it.

        Addresses are never mapped, and only the newest delivery of them is read.
        """
        return source == CONTACTS or bool(self.lake.files(RECONCILIATION.name, ds, owner=source))

    def _delivery(self, source: str, ds: str) -> Iterator[Removal]:
        folder = self.raw / source / f"ds={ds}"
        in_use = {self.raw / path for path in self._named if path.startswith(f"{source}/ds={ds}/")}
        if not in_use:
            yield Removal("raw", source, ds, days(self.span), (folder,), lambda: remove_path(folder))
            return
        files = tuple(path for path in sorted(folder.rglob("*")) if path.is_file() and path not in in_use)
        if files:
            why = f"{days(self.span)}; files that {' and '.join(table.name for table in POSTED_FILES)} name stay"
            yield Removal("raw", source, ds, why, files, lambda: [path.unlink(missing_ok=True) for path in files])

    @cached_property
    def _named(self) -> set[str]:
        """Files below raw that any day of these tables names."""
        import pyarrow.parquet as pq  # where a delivery is to go, and not each night

        tables = [table.name for table in POSTED_FILES]
        files = [file for table in tables for ds in self.lake.days(table) for file in self.lake.files(table, ds)]
        return {path for file in files for path in pq.read_table(file, columns=["path"])["path"].to_pylist()}
