"""The file of what was disclosed of each data set under differential privacy: one JSON object a line, oldest first.

`<home>/privacy_ledger.jsonl`. `what` says of what kind a line is: `begun` and `ended` are of private trainings,
`report` of a report with noise. Lines are only ever added: what was released stays known.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPORT = "report"


@dataclass(frozen=True)
class LedgerFile:
    """The file, for several writers."""

    file: Path

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers out between reading the ledger and writing to it."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.with_suffix(".lock").open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def lines(self) -> list[dict[str, Any]]:
        """Everything that was written."""
        if not self.file.is_file():
            return []
        return [json.loads(line) for line in self.file.read_text().splitlines()]

    def write(self, line: Mapping[str, Any]) -> None:
        """Add a line, with the time."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        with self.file.open("a") as stream:
            stream.write(json.dumps({"when": now, **line}) + "\n")
