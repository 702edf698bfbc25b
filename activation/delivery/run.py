"""One delivery to one destination: what was begun is ended, who has left is removed, then the night's messages go out.

    members of the last run --> batches without an answer are handed over again, under their ids
                            --> who is to be in no audience any more: removed
                            --> tonight's messages, batch by batch
                            --> receipts and members are published, and the journal goes

A destination that goes down ends the run in good order: what was not handed over is `waiting`, the next run goes on.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from activation.audiences.campaigns import MOST_ITEMS
from activation.delivery.books import Books
from activation.delivery.journal import Entry, Journal
from activation.delivery.members import load_members, publish_members
from activation.delivery.receipts import make_receipts, publish_receipts
from activation.delivery.tonight import Tonight
from activation.destinations.destination import (
    ADD,
    REMOVE,
    Answer,
    Batch,
    Destination,
    DestinationDown,
    DestinationRefuses,
)
from contracts.errors import LakeError, NightshiftError
from contracts.lake import Lake
from contracts.report import say
from contracts.settings import Settings

_MOST_SPLITS = 64
"""Of batches that were refused as a whole, to find the one message in them that is: then all of a batch is refused."""

_SPLIT, _REPLACED = "split", "replaced"
"""Of batches whose messages are in others."""

_PROGRESS_EVERY_SECONDS = 5.0
_ROWS_A_READ = 10_000


@dataclass
class Run:
    """One run for one destination."""

    settings: Settings
    lake: Lake
    ds: str
    destination: Destination
    tonight: Tonight
    connection: duckdb.DuckDBPyConnection = field(repr=False)
    books: Books = field(init=False)
    journal: Journal = field(init=False)
    stopped: NightshiftError | None = None
    """Why nothing more goes out."""
    _splits: int = 0
    _said: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.books = Books(self.lake, self.ds, self.destination, self.tonight, self.connection)

    def prepare(self) -> None:
        """Load the members and refuse a night older than the last one that the destination knows.

        Raises:
            LakeError: it is older.
        """
        load_members(self.connection, self.lake, [self.destination.name])
        make_receipts(self.connection)
        self.journal = Journal.of(self.settings.home, self.destination.name, self._end)
        (newest,) = self.connection.execute(
            "select max(plan)::varchar from (select plan from members union all select plan::date from receipts)"
        ).fetchall()[0]
        newest = max([*([newest] if newest else []), *(entry.plan for entry in self.journal.open.values())], default="")
        if newest > self.ds:
            raise LakeError(
                expected=f"a night of {newest} or later for destination {self.destination.name}",
                received=self.ds,
                remedy="deliver the newest night: an older audience would undo a newer one; nothing was sent",
            )

    def execute(self) -> dict[str, dict[str, Any]]:
        """Deliver; returns the books of each campaign. `stopped` says whether the destination went down."""
        self.books.remember_people()
        try:
            self.books.fold()
            self._end_earlier_nights()
            self.books.add_members()
            self._hand_over_again()
            self.books.fold()
            self._remove()
            self.books.fold()
            for campaign in self.tonight.campaigns:
                self._deliver(campaign)
                self.books.fold()
        finally:
            self.destination.close()
        return self._publish()

    # what a run is made of, in its order

    def _end(self, entry: Entry) -> None:
        """Take what was answered of a batch into the receipts."""
        if entry.reason in (_SPLIT, _REPLACED):
            return
        rows = []
        for delivery, member in entry.deliveries:
            status, reason = "delivered", None
            if delivery in entry.left:
                status, reason = "unknown", "left_since"
            elif delivery in entry.refused:
                status, reason = "refused", entry.reason
            rows.append((delivery, member, entry.campaign, entry.plan, entry.action, status, reason, entry.tries))
        self.books.receive(rows)

    def _end_earlier_nights(self) -> None:
        """What an earlier night has left without an answer may have arrived: tonight's goes on from both."""
        for entry in [one for one in self.journal.open.values() if one.plan != self.ds]:
            rows = [
                (delivery, member, entry.campaign, entry.plan, entry.action, "unknown", "superseded", entry.tries)
                for delivery, member in entry.deliveries
            ]
            self.books.receive(rows)
            del self.journal.open[entry.id]

    def _hand_over_again(self) -> None:
        for entry in list(self.journal.open.values()):
            if self.stopped or entry.campaign not in {*self.tonight.campaigns, *self.books.gone}:
                continue
            if self.destination.is_whole and entry.action == ADD:
                continue  # all of it is handed over again
            known = {member: {"delivery_id": delivery, "member_id": member} for delivery, member in entry.deliveries}
            if entry.action == ADD:
                messages = self._messages_to(entry.campaign, list(known)) if self._is_current(entry.campaign) else []
                known = {message["member_id"]: {**known[message["member_id"]], **message} for message in messages}
            there = {message["delivery_id"] for message in known.values()}
            left = [delivery for delivery, _ in entry.deliveries if delivery not in there]
            if known:
                self._send(entry, list(known.values()), left)
            else:
                self.journal.end(entry, 0, left=left)

    def _remove(self) -> None:
        if not self.destination.has_members:
            self.connection.execute(
                f"delete from members where member_id in (select member_id from ({self.books.leaving()}))"
            )
            return
        leaving = self.connection.execute(f"select campaign, member_id from ({self.books.leaving()})").fetchall()
        for campaign in dict.fromkeys(name for name, _ in leaving):
            members = [{"member_id": member} for name, member in leaving if name == campaign]
            if self.destination.is_whole and campaign not in self.tonight.failed:
                if not self._is_current(campaign):
                    self._deliver_whole(campaign, ())
                continue  # they are not in what is handed over as a whole
            for part in _parts(members, self.destination.most_messages):
                self._hand_over(REMOVE, campaign, part)

    def _deliver(self, campaign: str) -> None:
        due = {} if self.destination.is_whole else {"ds": self.ds}
        query, options = self.tonight.messages(campaign, where=self.books.is_due, **due)
        total = self.books.count(f"({query})", **options)
        parts = _parts(self._rows(campaign, query, options), self.destination.most_messages)
        if self.destination.is_whole:
            self._deliver_whole(campaign, parts, total)
            return
        sent = 0
        for part in parts:
            if self.stopped:
                return
            self._hand_over(ADD, campaign, part)
            sent += len(part)
            self._say(campaign, sent, total)

    def _deliver_whole(self, campaign: str, parts: Iterable[list[dict[str, Any]]], total: int = 0) -> None:
        """Hand over all of an audience, which takes the place of what was there; of no parts, an empty one."""
        if self.stopped:
            return
        earlier = [one for one in self.journal.open.values() if (one.campaign, one.action) == (campaign, ADD)]
        tries = 1 + max((entry.tries for entry in earlier), default=0)
        handed: list[list[tuple[str, str]]] = []
        entries: list[Entry] = []
        try:
            with self.destination.audience(campaign):
                for part in parts:
                    messages = [{"delivery_id": self._delivery_id(one["member_id"]), **one} for one in part]
                    self.destination.send(Batch(secrets.token_hex(16), ADD, campaign, self.ds, messages))
                    handed.append([(one["delivery_id"], one["member_id"]) for one in messages])
                    self._say(campaign, sum(map(len, handed)), total)
                for entry in earlier:
                    self.journal.end(entry, 0, reason=_REPLACED)
                for ids in handed:  # from here on it may be there
                    entries.append(self.journal.begin(secrets.token_hex(16), self.ds, ADD, campaign, ids))
        except (DestinationDown, DestinationRefuses) as error:
            for entry in entries:
                self.journal.tried(entry, tries)
            self._stop(error)
            return
        self.books.drop_receipts([delivery for ids in handed for delivery, _ in ids])
        for entry in entries:
            self.journal.end(entry, tries)
        leaving = self.connection.execute(
            f"select member_id from ({self.books.leaving()}) where campaign = $campaign", {"campaign": campaign}
        ).fetchall()
        self.books.receive(
            [(secrets.token_hex(16), one, campaign, self.ds, REMOVE, "delivered", None, 1) for (one,) in leaving]
        )

    def _delivery_id(self, member: str) -> str:
        """Of a message that is handed over with all others, each time: it follows from the member's random digits."""
        return hashlib.blake2b(f"{self.ds}:{member}".encode(), digest_size=16).hexdigest()

    # handing over

    def _hand_over(self, action: str, campaign: str, messages: Sequence[dict[str, Any]]) -> None:
        """Hand over some messages, whose deliveries get their ids here."""
        waiting = deque([[{"delivery_id": secrets.token_hex(16), **message} for message in messages]])
        while waiting and not self.stopped:
            part = waiting.popleft()
            ids = [(message["delivery_id"], message["member_id"]) for message in part]
            entry = self.journal.begin(secrets.token_hex(16), self.ds, action, campaign, ids)
            if self._send(entry, part, ()) == _SPLIT:
                half = len(part) // 2
                waiting.extendleft([part[half:], part[:half]])

    def _send(self, entry: Entry, messages: Sequence[dict[str, Any]], left: Iterable[str]) -> str | None:
        """Send a batch that stands in the journal, and write down the answer, or that there was none."""
        batch = Batch(entry.id, entry.action, entry.campaign, entry.plan, messages)
        try:
            answer: Answer = (self.destination.send if entry.action == ADD else self.destination.remove)(batch)
        except (DestinationDown, DestinationRefuses) as error:
            self.journal.tried(entry, error.tries)
            self._stop(error)
            return None
        ids = [message["delivery_id"] for message in messages]
        if answer.all_refused and len(ids) > 1 and self._splits < _MOST_SPLITS:
            self._splits += 1
            self.journal.end(entry, answer.tries, reason=_SPLIT)
            return _SPLIT
        refused = ids if answer.all_refused else [one for one in ids if one in answer.refused]
        reason = answer.reason if refused else None
        self.journal.end(entry, answer.tries, refused=refused, reason=reason, left=list(left))
        return None

    def _stop(self, error: DestinationDown | DestinationRefuses) -> None:
        self.stopped = error
        say(f"deliver {self.destination.name}: stopped: {error.reason}")

    def _messages_to(self, campaign: str, members: list[str]) -> list[dict[str, Any]]:
        query, options = self.tonight.messages(
            campaign, where="list_contains($members, members.member_id)", members=members
        )
        return list(self._rows(campaign, query, options))

    def _rows(self, campaign: str, query: str, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Messages of a query, read some at a time beside what this run writes."""
        channel = self.tonight.campaigns[campaign].channel
        with self.connection.cursor() as cursor:
            for batch in cursor.sql(query, params=options).to_arrow_reader(_ROWS_A_READ):
                for row in batch.to_pylist():
                    yield _message(row, channel)

    # the end

    def _is_current(self, campaign: str) -> bool:
        return campaign in self.tonight.campaigns

    def _publish(self) -> dict[str, dict[str, Any]]:
        """Receipts, then members, then the journal's end; returns the books.

        Raises:
            LakeError: somebody of an audience is lost, or counted twice.
        """
        self._wait()
        books = {name: self.books.of(name) for name in [*self.tonight.campaigns, *self.books.touched()]}
        publish_receipts(self.connection, self.lake, self.ds, self.destination.name, [*self.tonight.campaigns])
        publish_members(self.connection, self.lake, self.ds, [self.destination.name])
        self.journal.clear()
        return books

    def _wait(self) -> None:
        """A receipt of everything that was not handed over, or not answered."""
        for entry in self.journal.open.values():
            reason = getattr(self.stopped, "reason", "not_tried")
            self.books.receive(
                [
                    (delivery, member, entry.campaign, entry.plan, entry.action, "waiting", reason, entry.tries)
                    for delivery, member in entry.deliveries
                ]
            )
        if self.stopped:
            self.connection.execute(
                "insert into receipts select replace(uuid()::varchar, '-', ''), member_id, campaign, $ds, action, "
                "'waiting', 'not_tried', 0, true from ("
                f"select member_id, campaign, 'remove' as action from ({self.books.leaving()}) union all "
                "select members.member_id, campaign, 'add' from wanted join members using (campaign, person_id) "
                "where wanted.reason is null and members.plan is distinct from $ds::date) as left_over "
                "where not exists (select 1 from receipts where receipts.member_id = left_over.member_id "
                "and receipts.action = left_over.action and receipts.plan = $ds "
                "and receipts.status in ('waiting', 'refused'))",
                {"ds": self.ds},
            )

    def _say(self, campaign: str, sent: int, total: int) -> None:
        if time.monotonic() - self._said > _PROGRESS_EVERY_SECONDS:
            self._said = time.monotonic()
            say(f"deliver {self.destination.name} {campaign}: {sent:,} of {total:,} messages")


def _message(row: dict[str, Any], channel: str) -> dict[str, Any]:
    """A row of an audience as a message; the model's chances and their reasons do not leave the house."""
    items = [
        {"item_id": item, "title": row.get(f"item_{place}_title"), "why": row.get(f"item_{place}_why")}
        for place in range(1, MOST_ITEMS + 1)
        if (item := row.get(f"item_{place}")) is not None
    ]
    message = {"member_id": row["member_id"], "channel": channel, "address": row["address"], "items": items}
    return message | ({"arm": row["arm"]} if row.get("arm") is not None else {})


def _parts(rows: Iterable[Any], most: int) -> Iterator[list[Any]]:
    part: list[Any] = []
    for row in rows:
        part.append(row)
        if len(part) == most:
            yield part
            part = []
    if part:
        yield part
