"""An audience as CSV: of whom it consists, by which address, and of each place item, title and why.

One file a campaign, `<campaign>.csv`, that holds the whole audience of one night and is replaced as a whole: who is in
it no more is in the audience no more.
"""

from __future__ import annotations

import csv
from collections.abc import Collection
from typing import Any, TextIO

from activation.audiences.campaigns import MOST_ITEMS
from activation.audiences.spreadsheet import harmless
from activation.destinations.destination import Answer, Batch

FILE_GONE = "file_taken_away"
"""Of a removal: there is no file to remove anybody from, and whoever took it may still write to the person."""

_PLAIN = ("member_id", "delivery_id", "plan", "channel", "address", "arm")


def file_name(campaign: str) -> str:
    return f"{campaign}.csv"


def begin(stream: TextIO) -> Any:
    """A CSV writer that has written the names of the columns."""
    writer = csv.writer(stream, lineterminator="\r\n")
    places = [f"item_{place}{end}" for place in range(1, MOST_ITEMS + 1) for end in ("", "_title", "_why")]
    writer.writerow([*_PLAIN, *places])
    return writer


def write(writer: Any, batch: Batch) -> None:
    """Write a row a message; what a spreadsheet would run is made harmless."""
    for message in batch.messages:
        ids = [message["member_id"], message["delivery_id"], batch.plan, message["channel"]]
        address = message["address"] if message["channel"] == "sms" else harmless(message["address"])
        words = [message.get("arm") or ""]
        for item in message["items"]:
            words += [item["item_id"], item["title"] or "", item["why"] or ""]
        writer.writerow([*ids, address, *map(harmless, words)])  # a number begins with +, and runs nothing


def copy_without(old: TextIO, new: TextIO, members: Collection[str]) -> None:
    """Copy an audience but for these members, of which nothing else is to change."""
    csv.writer(new, lineterminator="\r\n").writerows(row for row in csv.reader(old) if not row or row[0] not in members)


def gone(batch: Batch) -> Answer:
    """The answer to removals from a file that is not there."""
    return Answer(refused=[message["delivery_id"] for message in batch.messages], reason=FILE_GONE)
