"""Random towns for the proof of consent: people who grant, withdraw, decide late, twice at one moment, and turn out to
be one.

Towns stand side by side in one lake as people who have nothing to do with each other, so that fifty cost no more
nights than one. There are two nights, Thursday and Friday.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.lake import Lake
from contracts.tables import TABLES
from contracts.tables.vocabulary import PURPOSES

LONG_BEFORE, THURSDAY, FRIDAY = DAYS = ("2026-10-30", "2026-11-19", "2026-11-20")
PEOPLE = 24
ITEMS = 15
CATEGORIES = ("running", "music", "pets")
ACTIONS = ("view", "view", "cart", "purchase", "rate", "post", "search")
MOMENTS = [f"2026-{day} {hour}:00" for day in ("10-01", "10-20", "11-18", "11-19", "11-20") for hour in ("00", "23")]
"""Few, so that many decisions fall on the same moment; the last two lie after Thursday's end."""

_ARROW = {
    "string": pa.string(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "array<string>": pa.list_(pa.string()),
}


@dataclass
class Towns:
    """What happened in all towns, as rows of the lake by table and day, and who is who on each night."""

    rows: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    persons: dict[str, dict[str, str]] = field(default_factory=lambda: {THURSDAY: {}, FRIDAY: {}})
    """Night -> identifier -> person."""

    def add(self, table: str, ds: str, row: dict[str, Any]) -> None:
        self.rows.setdefault((table, ds), []).append({"source": "town", **row})

    def identifiers(self, ds: str, people: Iterable[str]) -> int:
        """How many identifiers these people have on a night."""
        counted = set(people)
        return sum(person in counted for person in self.persons[ds].values())

    def deliver(self, lake: Lake, days: Iterable[str]) -> None:
        """Publish what arrived on some days, and who is who on those that are nights."""
        for ds in days:
            for (table, arrived), rows in self.rows.items():
                if arrived == ds:
                    _publish(lake, table, ds, rows)
            if ds in self.persons:
                known = [
                    {
                        "identifier": identifier,
                        "person_id": person,
                        "first_ds": datetime.date.fromisoformat(LONG_BEFORE),
                    }
                    for identifier, person in self.persons[ds].items()
                ]
                _publish(lake, "persons", ds, known)


def draw_towns(towns: int, seed: int) -> Towns:
    """So many towns of `PEOPLE` people; the same seed is the same towns."""
    drawn, chance = Towns(), random.Random(seed)
    for number in range(ITEMS):
        item = {"item_id": f"i{number:02d}", "title": f"Thing {number}", "category": CATEGORIES[number % 3]}
        drawn.add("items", LONG_BEFORE, {**item, "price": 10.0 + number})
    for town in range(towns):
        _draw_town(drawn, chance, f"{town:02d}")
    return drawn


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


def _draw_town(drawn: Towns, chance: random.Random, town: str) -> None:
    owners: dict[str, str] = {}
    for number in range(PEOPLE):
        person = f"p{int(town):04x}{number:012x}"
        for kind in ("account", "cookie", "email")[: chance.randint(1, 3)]:
            owners[f"{kind}:{town}-{number}"] = person
    drawn.persons[THURSDAY] |= owners
    # By Friday some people turned out to be one, and an identifier to be somebody else's.
    people = sorted(set(owners.values()))
    for one, other in zip(people[:6:2], people[1:6:2], strict=True):
        owners = {identifier: one if person == other else person for identifier, person in owners.items()}
    moved = chance.choice([identifier for identifier in owners if identifier.startswith("cookie")])
    drawn.persons[FRIDAY] |= owners | {moved: people[-1]}

    identifiers = sorted(owners)
    for number, identifier in enumerate(identifiers):
        _draw_acts(drawn, chance, identifier, f"{town}-{number}")
        for purpose in PURPOSES:
            for decision in range(chance.choice((0, 1, 1, 2, 3))):
                consent = {
                    "consent_id": f"{town}-{number}-{purpose}-{decision}",
                    "identifier": identifier,
                    "purpose": purpose,
                    "granted": chance.random() < 0.65,
                    "occurred_at": at(chance.choice(MOMENTS)),
                }
                drawn.add("consents", chance.choice(DAYS), consent)
    _draw_messages(drawn, random.Random(f"messages of {town}"), identifiers, town)
    # A few withdraw everything between the two nights.
    for number, identifier in enumerate(chance.sample(identifiers, 5)):
        for purpose in PURPOSES:
            withdrawal = {"identifier": identifier, "purpose": purpose, "granted": False}
            withdrawal |= {"consent_id": f"{town}-w{number}-{purpose}", "occurred_at": at("2026-11-20 08:30")}
            drawn.add("consents", FRIDAY, withdrawal)


def _draw_acts(drawn: Towns, chance: random.Random, identifier: str, key: str) -> None:
    """Acts, posted pictures and sounds, and answers of one identifier; of some none at all."""
    for number in range(chance.choice((0, 1, 3, 5))):
        arrived, action = chance.choice(DAYS), chance.choice(ACTIONS)
        occurred_at = at(f"{arrived} 10:00") - datetime.timedelta(days=chance.choice((0, 1, 9, 30)), hours=number)
        act = {"event_id": f"{key}-{number}", "identifier": identifier, "occurred_at": occurred_at, "action": action}
        act |= {"session_id": f"s{key}", "campaign": chance.choice((None, "spring", "autumn")), "device": "mobile"}
        if action == "post":
            act |= {"topics": ["jazz", "running"]}
            picture = {"media_id": f"{key}-{number}", "identifier": identifier, "event_id": act["event_id"]}
            text = {"text_id": act["event_id"], "identifier": identifier, "text": "Up the hill with new shoes"}
            drawn.add("texts", arrived, {**text, "topics": act["topics"], "occurred_at": occurred_at})
            drawn.add("media", arrived, {**picture, "path": f"media/{key}.png", "occurred_at": occurred_at})
            sound = {**picture, "media_id": f"{key}-{number}-s", "kind": "audio", "path": f"media/{key}.wav"}
            drawn.add("media", arrived, {**sound, "occurred_at": occurred_at})
        elif action != "search":
            act |= {"item_id": f"i{chance.randrange(ITEMS):02d}", "value": 20.0 if action == "purchase" else None}
        drawn.add("events", arrived, act)
    if chance.random() < 0.3:
        answer = {"answer_id": key, "identifier": identifier, "survey": "customer_survey", "question": "Q1_age"}
        drawn.add("answers", LONG_BEFORE, {**answer, "answer": "37", "occurred_at": at("2026-10-20 10:00")})


def _draw_messages(drawn: Towns, chance: random.Random, identifiers: list[str], town: str) -> None:
    """A message to each of some identifiers, and what became of it; by another channel than the audiences', which keep
    whom it refuses."""
    for number, identifier in enumerate(chance.sample(identifiers, len(identifiers) // 2)):
        arrived, status = chance.choice(DAYS), chance.choice(("delivered", "clicked", "bounced", "complained"))
        message = {"message_id": f"{town}-{number}", "identifier": identifier, "campaign": "letters", "channel": "sms"}
        message |= {"status": status, "permanent": status == "bounced", "by_machine": False}
        drawn.add("sends", arrived, {**message, "send_id": f"{town}-{number}", "occurred_at": at(f"{arrived} 06:00")})


def _publish(lake: Lake, table: str, ds: str, rows: list[Mapping[str, Any]]) -> None:
    columns = TABLES[table].columns
    schema = pa.schema([(column.name, _ARROW[column.type]) for column in columns])
    filled = [{column.name: row.get(column.name) for column in columns} for row in rows]
    file = lake.staging("towns") / "part-00000.parquet"
    pq.write_table(pa.Table.from_pylist(filled, schema=schema), file)
    lake.publish(table, ds, {file.name: file})
