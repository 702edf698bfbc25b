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
import pyarrow as pa

from activation.audiences.campaigns import MOST_ITEMS
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
    journal: Journal = field(init=False)
    stopped: NightshiftError | None = None
    """Why nothing more goes out."""
    _splits: int = 0
    _said: float = field(default_factory=time.monotonic)

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

    def plan(self) -> dict[str, dict[str, Any]]:
        """What there is to do, a campaign: for a dry run."""
        return {
            name: {
                "audience": self._count("wanted where campaign = $campaign", campaign=name),
                "to_deliver": self._count(
                    "wanted left join members using (campaign, person_id) where campaign = $campaign "
                    f"and reason is null and {self._is_due}",
                    campaign=name,
                    ds=self.ds,
                ),
                "withheld": self._withheld(name),
                "to_remove": self._count(f"({self._leaving()}) where campaign = $campaign", campaign=name),
            }
            for name in [*self.tonight.campaigns, *self._gone]
        }

    def execute(self) -> dict[str, dict[str, Any]]:
        """Deliver; returns the books of each campaign. `stopped` says whether the destination went down."""
        self._remember_people()
        try:
            self._fold()
            self._end_earlier_nights()
            self._add_members()
            self._hand_over_again()
            self._fold()
            self._remove()
            self._fold()
            for campaign in self.tonight.campaigns:
                self._deliver(campaign)
                self._fold()
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
        self._receive(rows)

    def _receive(self, rows: Sequence[tuple]) -> None:
        names = ("delivery_id", "member_id", "campaign", "plan", "action", "status", "reason", "attempt")
        columns = zip(*rows, strict=True) if rows else [()] * len(names)
        types = (*[pa.string()] * 7, pa.int32())
        table = pa.table(
            {name: pa.array(column, kind) for name, column, kind in zip(names, columns, types, strict=True)}
        )
        self.connection.register("answered", table)
        self.connection.execute("insert into receipts select *, false from answered")
        self.connection.unregister("answered")

    def _fold(self) -> None:
        """Let the members know what was answered since this was last done."""
        self.connection.execute(
            "update members set plan = greatest(coalesce(members.plan, receipts.plan::date), receipts.plan::date) "
            "from receipts where receipts.member_id = members.member_id and not receipts.folded "
            "and receipts.action = 'add' and receipts.status = 'delivered'"
        )
        self.connection.execute(
            "delete from members using receipts where receipts.member_id = members.member_id and not receipts.folded "
            "and ((receipts.action = 'remove' and receipts.status = 'delivered') "
            "or (receipts.action = 'add' and receipts.status = 'refused' and members.plan is null))"
        )
        self.connection.execute("update receipts set folded = true where not folded")

    def _remember_people(self) -> None:
        """Whose receipts those of members are, also of those who are removed meanwhile."""
        self.connection.execute("create or replace table people as select member_id, person_id from members")

    def _end_earlier_nights(self) -> None:
        """What an earlier night has left without an answer may have arrived: tonight's goes on from both."""
        for entry in [one for one in self.journal.open.values() if one.plan != self.ds]:
            rows = [
                (delivery, member, entry.campaign, entry.plan, entry.action, "unknown", "superseded", entry.tries)
                for delivery, member in entry.deliveries
            ]
            self._receive(rows)
            del self.journal.open[entry.id]

    def _add_members(self) -> None:
        """Give everybody who is to be known at the destination an id there, and publish it before anything is sent."""
        new = self.connection.sql(
            "select wanted.campaign, wanted.person_id from wanted anti join members using (campaign, person_id) "
            "where wanted.reason is null"
        ).to_arrow_table()
        ids = secrets.token_bytes(16 * new.num_rows).hex()
        new = new.append_column(
            "member_id", pa.array([ids[at : at + 32] for at in range(0, len(ids), 32)], pa.string())
        )
        self.connection.register("new_members", new)
        self.connection.execute(
            "insert into members select person_id, campaign, $destination, member_id, $ds::date, null from new_members",
            {"destination": self.destination.name, "ds": self.ds},
        )
        self.connection.execute("insert into people select member_id, person_id from new_members")
        self.connection.unregister("new_members")
        publish_members(self.connection, self.lake, self.ds, [self.destination.name])

    def _hand_over_again(self) -> None:
        for entry in list(self.journal.open.values()):
            if self.stopped or entry.campaign not in {*self.tonight.campaigns, *self._gone}:
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
                f"delete from members where member_id in (select member_id from ({self._leaving()}))"
            )
            return
        leaving = self.connection.execute(f"select campaign, member_id from ({self._leaving()})").fetchall()
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
        query, options = self.tonight.messages(campaign, where=self._is_due, **due)
        total = self._count(f"({query})", **options)
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
        self._drop_receipts([delivery for ids in handed for delivery, _ in ids])
        for entry in entries:
            self.journal.end(entry, tries)
        leaving = self.connection.execute(
            f"select member_id from ({self._leaving()}) where campaign = $campaign", {"campaign": campaign}
        ).fetchall()
        self._receive(
            [(secrets.token_hex(16), one, campaign, self.ds, REMOVE, "delivered", None, 1) for (one,) in leaving]
        )

    def _drop_receipts(self, deliveries: list[str]) -> None:
        """Those that a run which was killed has left of the same messages."""
        self.connection.register("handed_again", pa.table({"delivery_id": pa.array(deliveries, pa.string())}))
        self.connection.execute("delete from receipts where delivery_id in (select delivery_id from handed_again)")
        self.connection.unregister("handed_again")

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

    # what is to be done, and the books

    @property
    def _is_due(self) -> str:
        """Whether a message of tonight is still to be handed over."""
        return "true" if self.destination.is_whole else "members.plan is distinct from $ds::date"

    def _leaving(self) -> str:
        """A query of the members whom the destination is to know no more: member_id, campaign."""
        current = _listed(self.tonight.campaigns)
        gone = _listed(self._gone)
        failed = _listed(self.tonight.failed)
        return (
            f"select member_id, campaign from members where (campaign in {current} and not exists (select 1 "
            "from wanted where wanted.campaign = members.campaign and wanted.person_id = members.person_id "
            f"and wanted.reason is null)) or campaign in {gone} or (campaign in {failed} and "
            "(person_id is null or person_id in (select person_id from refusing)))"
        )

    @property
    def _gone(self) -> list[str]:
        """Campaigns of members that go there no more: there is none of that name, or it is not meant for there."""
        known = [name for (name,) in self.connection.execute("select distinct campaign from members").fetchall()]
        gone = (one for one in known if one not in self.tonight.names or not self.destination.takes(one))
        return [] if self.tonight.is_part else sorted(gone)

    def _is_current(self, campaign: str) -> bool:
        return campaign in self.tonight.campaigns

    def _withheld(self, campaign: str) -> dict[str, int]:
        return dict(
            self.connection.execute(
                "select reason, count(*) from wanted where campaign = $campaign and reason is not null "
                "group by reason order by reason",
                {"campaign": campaign},
            ).fetchall()
        )

    def _count(self, what: str, **options: Any) -> int:
        used = {name: value for name, value in options.items() if f"${name}" in what}
        (count,) = self.connection.execute(f"select count(*) from {what}", used).fetchall()[0]
        return count

    def _publish(self) -> dict[str, dict[str, Any]]:
        """Receipts, then members, then the journal's end; returns the books.

        Raises:
            LakeError: somebody of an audience is lost, or counted twice.
        """
        self._wait()
        books = {name: self._books(name) for name in [*self.tonight.campaigns, *self._touched()]}
        publish_receipts(self.connection, self.lake, self.ds, self.destination.name, [*self.tonight.campaigns])
        publish_members(self.connection, self.lake, self.ds, [self.destination.name])
        self.journal.clear()
        return books

    def _wait(self) -> None:
        """A receipt of everything that was not handed over, or not answered."""
        for entry in self.journal.open.values():
            reason = getattr(self.stopped, "reason", "not_tried")
            self._receive(
                [
                    (delivery, member, entry.campaign, entry.plan, entry.action, "waiting", reason, entry.tries)
                    for delivery, member in entry.deliveries
                ]
            )
        if self.stopped:
            self.connection.execute(
                "insert into receipts select replace(uuid()::varchar, '-', ''), member_id, campaign, $ds, action, "
                "'waiting', 'not_tried', 0, true from ("
                f"select member_id, campaign, 'remove' as action from ({self._leaving()}) union all "
                "select members.member_id, campaign, 'add' from wanted join members using (campaign, person_id) "
                "where wanted.reason is null and members.plan is distinct from $ds::date) as left_over "
                "where not exists (select 1 from receipts where receipts.member_id = left_over.member_id "
                "and receipts.action = left_over.action and receipts.plan = $ds "
                "and receipts.status in ('waiting', 'refused'))",
                {"ds": self.ds},
            )

    def _touched(self) -> list[str]:
        """Campaigns beside tonight's of which people were removed."""
        rows = self.connection.execute("select distinct campaign from receipts where plan = $ds", {"ds": self.ds})
        return sorted(name for (name,) in rows.fetchall() if name not in self.tonight.campaigns)

    def _books(self, campaign: str) -> dict[str, Any]:
        """What became of everybody in an audience, and of those who left it."""
        by_status = dict(
            self.connection.execute(
                """
                with told as (
                    select people.person_id, list(receipts.status) as statuses
                    from receipts join people using (member_id)
                    where receipts.campaign = $campaign and receipts.plan = $ds and receipts.action = 'add'
                    group by people.person_id
                )
                select
                    case
                        when wanted.reason is not null then 'withheld'
                        when list_contains(told.statuses, 'delivered') then 'delivered'
                        when members.plan = $ds::date then 'already'
                        when list_contains(told.statuses, 'waiting') then 'waiting'
                        when list_contains(told.statuses, 'refused') then 'refused'
                        else 'lost'
                    end as outcome,
                    count(*)
                from wanted
                left join told using (person_id)
                left join members on members.person_id = wanted.person_id and members.campaign = wanted.campaign
                where wanted.campaign = $campaign
                group by outcome
                """,
                {"campaign": campaign, "ds": self.ds},
            ).fetchall()
        )
        audience = self.tonight.size(campaign)
        outcomes = ("delivered", "already", "refused", "waiting")
        books = {"audience": audience, **{name: by_status.get(name, 0) for name in outcomes}}
        if by_status.get("lost") or audience != sum(by_status.values()):
            raise LakeError(
                expected=f"{audience} people of audience {campaign} = {' + '.join(outcomes)} + withheld",
                received=str(by_status),
                remedy="report this; the journal stays, and the same command goes on",
            )
        removals = dict(
            self.connection.execute(
                "select status, count(distinct member_id) from receipts where campaign = $campaign and plan = $ds "
                "and action = 'remove' group by status",
                {"campaign": campaign, "ds": self.ds},
            ).fetchall()
        )
        not_removed = sum(count for status, count in removals.items() if status != "delivered")
        withheld = self._withheld(campaign)
        return {**books, "withheld": withheld, "removed": removals.get("delivered", 0), "not_removed": not_removed}

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


def _listed(names: Iterable[str]) -> str:
    """Names as a list in SQL, which is never empty."""
    quoted = ", ".join("'" + name.replace("'", "''") + "'" for name in names)
    return f"({quoted or 'null'})"
