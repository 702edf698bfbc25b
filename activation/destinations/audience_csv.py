"""An audience as CSV: of whom it consists, by which address, and of each place item, title and why.

One file a campaign, `<campaign>.csv`, that holds the whole audience of one night and is replaced as a whole: who is in
it no more is in the audience no more.
"""

from __future__ import annotations

import contextlib
import csv
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, TextIO

from activation.audiences.campaigns import MOST_ITEMS
from activation.audiences.spreadsheet import harmless
from activation.destinations.destination import Answer, Batch, Destination

FILE_GONE = "file_taken_away"
"""Of a removal: there is no file to remove anybody from, and whoever took it may still write to the person."""

_PLAIN = ("member_id", "delivery_id", "plan", "channel", "address", "arm")


@dataclass(frozen=True)
class AudienceFiles(Destination):
    """A destination that holds a file a campaign; where and how files are kept, each kind says for itself."""

    _draft: list[Any] = field(default_factory=list, repr=False, compare=False, kw_only=True)
    """The writer of the audience that is being handed over."""

    most_messages: ClassVar[int] = 10_000
    is_whole: ClassVar[bool] = True

    @abstractmethod
    def has(self, campaign: str) -> bool:
        """Whether there is a file of the campaign."""

    @abstractmethod
    def reading(self, campaign: str) -> contextlib.AbstractContextManager[TextIO]:
        """The file of a campaign as a text."""

    @abstractmethod
    def replacing(self, campaign: str) -> contextlib.AbstractContextManager[TextIO]:
        """A text that takes the place of a campaign's file in one step when this ends well; else that stays."""

    @contextlib.contextmanager
    def audience(self, campaign: str) -> Iterator[None]:
        with self.replacing(campaign) as stream:
            writer = csv.writer(stream, lineterminator="\r\n")
            places = [f"item_{place}{end}" for place in range(1, MOST_ITEMS + 1) for end in ("", "_title", "_why")]
            writer.writerow([*_PLAIN, *places])
            self._draft.append(writer)
            try:
                yield
            finally:
                self._draft.clear()

    def send(self, batch: Batch) -> Answer:
        """Write a row a message; what a spreadsheet would run is made harmless."""
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
        if not self.has(batch.campaign):
            return Answer(refused=[message["delivery_id"] for message in batch.messages], reason=FILE_GONE)
        members = {message["member_id"] for message in batch.messages}
        with self.reading(batch.campaign) as old, self.replacing(batch.campaign) as new:
            rows = (row for row in csv.reader(old) if not row or row[0] not in members)
            csv.writer(new, lineterminator="\r\n").writerows(rows)
        return Answer()


def file_name(campaign: str) -> str:
    return f"{campaign}.csv"
