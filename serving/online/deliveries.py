"""What comes in is a raw delivery of today: whole lines, appended to files that tonight's mapping reads.

`<raw>/online_events/ds=YYYY-MM-DD/acts-<start>.jsonl` and `consents-<start>.jsonl`. A day that was mapped already gets
nothing more: what comes then goes to the next day's folder. While an erasure rewrites files, new ones are begun, so
that it takes away no line that it has not read.
"""

from __future__ import annotations

import datetime
import os
import time
from typing import Any

import orjson

from contracts.errors import BusyError
from contracts.lake import Lake
from contracts.settings import Settings
from contracts.tables.mapped import RECONCILIATION
from serving.online import source

_LOOKS_SECONDS = 1.0
"""How long what is known of the mapped days holds."""


class Deliveries:
    """The files of one process."""

    def __init__(self, settings: Settings) -> None:
        self._folder, self._lake = settings.raw / source.SOURCE, Lake(settings.home.lake)
        self._run = f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S}-{os.getpid()}"
        self._files: dict[str, tuple[str, int]] = {}
        self._number, self._begun_beside = 0, False
        self._day, self._looked_at = "", -_LOOKS_SECONDS

    def add(self, kind: str, content: dict[str, Any], *, certain: bool = False) -> None:
        """Append a line.

        Args:
            kind: `ACTS` or `CONSENTS`.
            certain: it has to outlast a power cut.

        Raises:
            OSError: the disk is full, or the folder may not be written.
        """
        try:
            with self._lake.lock("alone", shared=True):
                self._begun_beside = False
                self._append(kind, content, certain)
        except BusyError:  # an erasure is at work, or a rotation of keys
            if not self._begun_beside:
                self._begun_beside, self._number = True, self._number + 1
                self.close()
            self._append(kind, content, certain)

    def _append(self, kind: str, content: dict[str, Any], certain: bool) -> None:
        day = self.day()
        if kind in self._files and not os.fstat(self._files[kind][1]).st_nlink:
            self.close(kind)  # an erasure put another file in its place
        if self._files.get(kind, ("",))[0] != day:
            folder = self._folder / f"ds={day}"
            folder.mkdir(parents=True, exist_ok=True)
            self.close(kind)
            file = folder / f"{kind}-{self._run}-{self._number}.jsonl"
            self._files[kind] = day, os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        descriptor = self._files[kind][1]
        line = orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)
        begin = os.fstat(descriptor).st_size
        try:
            written = os.write(descriptor, line)
            if written < len(line):
                raise OSError(28, "only a part of a line was written")
        except OSError:
            os.ftruncate(descriptor, begin)
            raise
        if certain:
            os.fsync(descriptor)

    def day(self) -> str:
        """The day to whose folder is added; it never goes back, whatever the clock does."""
        now = time.monotonic()
        if now - self._looked_at >= _LOOKS_SECONDS:
            self._looked_at = now
            day = max(self._day, datetime.datetime.now(datetime.UTC).date().isoformat())
            while self._lake.files(RECONCILIATION.name, day, owner=source.SOURCE):
                day = (datetime.date.fromisoformat(day) + datetime.timedelta(days=1)).isoformat()
            self._day = day
        return self._day

    def close(self, *kinds: str) -> None:
        """Close the files of some kinds, by default of all."""
        for kind in kinds or tuple(self._files):
            _, descriptor = self._files.pop(kind, ("", -1))
            if descriptor >= 0:
                os.close(descriptor)
