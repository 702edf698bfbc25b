"""Days that one DAG hands to the next, kept until a run has taken them.

An asset's event only wakes the DAG behind it: events that come while a run is at work may be merged or dropped by the
scheduler's queue. What is to be done stands here, a file a day: `<home>/published/<asset>/<day>.json`, with when it was
published and which run took it. To publish a day again makes it wait again.
"""

from __future__ import annotations

import contextlib
import datetime
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.atomic_files import write_json
from contracts.home import Home
from contracts.lake import Lake

_LOCK_WAIT_SECONDS = 30


@dataclass(frozen=True)
class PublishedDays:
    """The days of one asset, for one consumer."""

    folder: Path

    @classmethod
    def of(cls, home: Home, asset: str) -> PublishedDays:
        return cls(home.published / asset)

    def publish(self, day: str, *, at: datetime.datetime | None = None) -> None:
        """Let a day wait for a run; one that was published later than `at` (by default now) stays as it is."""
        at = (at or datetime.datetime.now(datetime.UTC)).astimezone(datetime.UTC)
        with self._locked():
            known = self._read(day)
            if known is None or datetime.datetime.fromisoformat(known["published_at"]) < at:
                write_json(self._file(day), {"published_at": at.isoformat(), "taken_by": None})

    def waiting(self) -> list[str]:
        """The days that no run has taken since they were published, oldest first."""
        return [day for day in self.days() if self.run_that_took(day) is None]

    def take(self, run: str, day: str | None = None) -> str | None:
        """Take one day for a run: the named one, else the one that this run took before, else the oldest that waits.

        Returns:
            The day; None where none is named and none waits.
        """
        with self._locked():
            if day is None:
                before = (known for known in self.days() if self.run_that_took(known) == run)
                day = next(before, None) or next(iter(self.waiting()), None)
            if day is not None and (known := self._read(day)) is not None:
                write_json(self._file(day), {**known, "taken_by": run})
            return day

    def forget(self, day: str) -> None:
        """Let a day wait no longer, nor be known to have been taken."""
        with self._locked():
            self._file(day).unlink(missing_ok=True)

    def run_that_took(self, day: str) -> str | None:
        """The run that took a day since it was published last, if one has."""
        known = self._read(day)
        return None if known is None else known["taken_by"]

    def publication(self, day: str) -> str:
        """By which a publication of a day is known: its time in digits; empty where the day was never published."""
        known = self._read(day)
        moment = known["published_at"].partition("+")[0] if known else ""
        return "".join(sign for sign in moment if sign.isdigit())

    def days(self) -> list[str]:
        """All that are known, oldest first."""
        return sorted(file.stem for file in self.folder.glob("*.json"))

    def _read(self, day: str) -> dict[str, Any] | None:
        file = self._file(day)
        return json.loads(file.read_text()) if file.is_file() else None

    def _file(self, day: str) -> Path:
        return self.folder / f"{day}.json"

    def _locked(self) -> contextlib.AbstractContextManager[None]:
        return Lake(self.folder).lock("days", wait_seconds=_LOCK_WAIT_SECONDS)
