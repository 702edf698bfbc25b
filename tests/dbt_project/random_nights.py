"""A lake of many small towns that changes between the nights in every way that a summary of yesterday could miss."""

from __future__ import annotations

import datetime
import os
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dbt_project.build import build
from tests.dbt_project import random_lake
from tests.dbt_project.tiny_lake import TinyHome

LONG_AGO = ("2026-07-20", "2026-08-06", "2026-08-13")
"""Days that are folded into one: the first two on the first night, the third on the next."""
RECENT = ("2026-10-30", "2026-11-16")
LATE = "2026-11-17"
"""A day that arrives two nights late."""
SATURDAY = "2026-11-21"
"""A night before which nothing of the past changed: it goes on from Friday."""
WEDNESDAY, THURSDAY, FRIDAY, _ = NIGHTS = (*random_lake.DAYS, SATURDAY)
EVENTS_A_TOWN_AND_DAY = 12
TABLES_OF_PEOPLE = {
    "events": 12,
    "consents": 3,
    "answers": 1,
    "identity_edges": 1,
    "media": 1,
    "sends": 2,
}
"""Table -> rows of a town and day."""


class Towns:
    """So many towns of a few identifiers each, whose people and rows follow from a seed."""

    def __init__(self, home: TinyHome, towns: int, seed: int) -> None:
        self.home, self.chance = home, random.Random(seed)
        self.towns = [
            [f"{kind}:{town:03d}-{number}" for kind in ("cookie", "account") for number in range(3)]
            for town in range(towns)
        ]
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.forgotten: set[str] = set()

    def deliver_start(self) -> None:
        """What had arrived before the first night."""
        self.home.deliver("items", LONG_AGO[0], [random_lake._item(self.chance, number) for number in range(25)])
        for day in (*LONG_AGO, *RECENT):
            self.deliver_day(day)

    def newcomers_arrive(self) -> None:
        """From now on each town has one identifier more."""
        for town, identifiers in enumerate(self.towns):
            identifiers.append(f"handle:{town:03d}")

    def deliver_day(self, day: str) -> None:
        """A day of every town: new events and some of earlier days again, decisions, answers; rates and a few items."""
        makers: dict[str, Callable[..., dict[str, Any]]] = {
            "consents": random_lake._consent,
            "answers": random_lake._answer,
            "identity_edges": random_lake._edge,
            "media": random_lake._medium,
            "sends": random_lake._send,
        }
        for table, make in makers.items():
            rows = self._rows(table, day, make)
            self.home.deliver(table, day, rows)
        new = list(self._rows("events", day, random_lake._event, day))
        earlier = [event for before, events in self.events.items() if before < day for event in events]
        again = [self._again(event) for event in self.chance.sample(earlier, min(len(earlier), 2 * len(self.towns)))]
        self.events[day] = new
        self.home.deliver("events", day, [self._odd(event, day) for event in new] + again)
        self.home.deliver(
            "items", day, [random_lake._item(self.chance, number) for number in self.chance.sample(range(25), 3)]
        )
        rated = [("GBP", self.chance.randint(-2, 60)), ("SEK", self.chance.randint(-2, 90))]
        self.home.deliver("exchange_rates", day, [random_lake._rate(self.chance, *one) for one in rated])

    def deliver_persons(self, day: str) -> None:
        """Who is who on a day: every town puts its identifiers together anew, so that people merge and split."""
        persons: dict[str, list[str]] = {}
        for town, identifiers in enumerate(self.towns):
            for identifier in identifiers:
                persons.setdefault(f"p{town:03d}-{self.chance.randint(0, 2)}", []).append(identifier)
        self.home.deliver_persons(day, persons)

    def change_the_past(self) -> None:
        """A day arrives late, another is delivered again with other rows, a folded one is left alone."""
        self.deliver_day(LATE)
        events = self.events[RECENT[1]]
        self.home.deliver("events", RECENT[1], [event for event in events if self.chance.random() < 0.8])

    def forget(self, towns: int) -> None:
        """Take the rows of the newcomer of so many towns out of every file in its place, as an erasure does."""
        forgotten = {identifiers[-1] for identifiers in self.chance.sample(self.towns, towns)}
        self.forgotten |= forgotten
        for file in sorted(self.home.lake.root.glob(".runs/*/*/*/*.parquet")):
            rows = pq.ParquetFile(file).read()
            for name in {"identifier", "left_identifier", "right_identifier"} & set(rows.column_names):
                kept = pc.invert(pc.is_in(rows.column(name), value_set=pa.array(sorted(forgotten))))
                rows = rows.filter(kept)
            if len(rows) < pq.ParquetFile(file).metadata.num_rows:
                draft = file.with_name(".draft")
                pq.write_table(rows, draft)
                os.replace(draft, file)
        for identifiers in self.towns:
            identifiers[:] = [one for one in identifiers if one not in forgotten]

    def _rows(self, table: str, day: str, make: Callable[..., dict[str, Any]], *more: str) -> Iterator[dict[str, Any]]:
        for town, identifiers in enumerate(self.towns):
            for number in range(TABLES_OF_PEOPLE[table]):
                yield make(self.chance, f"{table}-{day}-{town:03d}-{number:02d}", *more, identifiers)

    def _odd(self, event: dict[str, Any], day: str) -> dict[str, Any]:
        """Some clocks run ahead, to midnight and into the next day."""
        if self.chance.random() < 0.06:
            minutes = self.chance.choice((0, 1, 600))
            midnight = datetime.datetime.fromisoformat(day).replace(tzinfo=datetime.UTC) + datetime.timedelta(days=1)
            event = event | {"occurred_at": midnight + datetime.timedelta(minutes=minutes)}
        return event

    def _again(self, event: dict[str, Any]) -> dict[str, Any]:
        """A second delivery, which may tell anything differently."""
        return event | {"campaign": "told differently", "value": 1.0, "device": "tablet"}


def run_nights(home: TinyHome, towns: int, seed: int, nights: Sequence[str]) -> None:
    """Some nights; before Friday's the past changes, and in a third of the towns one who came lately is forgotten."""
    lake = Towns(home, towns, seed)
    lake.deliver_start()
    lake.newcomers_arrive()
    for night in NIGHTS:
        if night == FRIDAY:
            lake.change_the_past()
            lake.forget(towns // 3)
            lake.deliver_persons(THURSDAY)  # resolved again without them
        lake.deliver_day(night)
        lake.deliver_persons(night)
        if night in nights:
            build(home.settings, night)
