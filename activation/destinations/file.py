"""A folder outside home: one CSV a campaign, for its owner alone, with the audience as it was last delivered.

`<folder>/<campaign>.csv`: member_id, the address, the arm, and of each place item, title and why. It is replaced in one
step, so that a reader finds the whole audience of one night.
"""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TextIO

from activation.audiences.spreadsheet import harmless
from activation.destinations.destination import Answer, Batch, Destination
from contracts.private_files import private_draft

_PLAIN = ("member_id", "delivery_id", "plan", "channel", "address", "arm")
_MOST_ITEMS = 10


@dataclass(frozen=True)
class Folder(Destination):
    """A folder that something else takes the files from."""

    folder: Path
    _draft: list[Any] = field(default_factory=list, repr=False, compare=False)

    most_messages: ClassVar[int] = 10_000
    is_whole: ClassVar[bool] = True

    def file(self, campaign: str) -> Path:
        """The audience of a campaign."""
        return self.folder / f"{campaign}.csv"

    @contextlib.contextmanager
    def audience(self, campaign: str) -> Iterator[None]:
        with private_draft(self.file(campaign)) as stream:
            self._draft.append(self._writer(stream))
            try:
                yield
            finally:
                self._draft.clear()

    def send(self, batch: Batch) -> Answer:
        [writer] = self._draft
        for message in batch.messages:
            ids = [message["member_id"], message["delivery_id"], batch.plan, message["channel"]]
            address = message["address"] if message["channel"] == "sms" else harmless(message["address"])
            words = [message.get("arm") or ""]
            for item in message["items"]:
                words += [item["item_id"], item["title"] or "", item["why"] or ""]
            writer.writerow([*ids, address, *map(harmless, words)])  # a number begins with +, and runs nothing
        return Answer()

    def remove(self, batch: Batch) -> Answer:
        """Take people out of the file of a campaign, of which nothing else is to change."""
        file, gone = self.file(batch.campaign), {message["member_id"] for message in batch.messages}
        if file.is_file():
            with file.open(newline="") as old, private_draft(file) as stream:
                rows, writer = csv.reader(old), csv.writer(stream, lineterminator="\r\n")
                writer.writerows(row for row in rows if not row or row[0] not in gone)
        return Answer()

    def _writer(self, stream: TextIO) -> Any:
        writer = csv.writer(stream, lineterminator="\r\n")
        places = [f"item_{place}{end}" for place in range(1, _MOST_ITEMS + 1) for end in ("", "_title", "_why")]
        writer.writerow([*_PLAIN, *places])
        return writer
