"""A tiny town for tests: people who walk along a ring of items, so that the next item follows from the last."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.lake import Lake

DS = "2026-11-20"
ITEMS = 40
START = datetime.datetime(2026, 10, 20)
LAST = datetime.datetime(2026, 11, 20, 12)
"""When everybody acts for the last time."""

SMALL_CONFIG = """
dimensions: 16
batch_size: 8
learning_rate: 0.02
negatives: 32
dropout: 0.0
epochs: 6
"""


def publish(home: Path, table: str, rows: list[dict]) -> None:
    lake = Lake(home / "lake")
    file = lake.staging(table) / "part-0.parquet"
    pq.write_table(pa.Table.from_pylist(rows), file)
    lake.publish(table, DS, {file.name: file})


def person(number: int) -> str:
    return f"p{number:016x}"


def item(number: int) -> str:
    return f"i{number % ITEMS:02d}"


def sequence_rows(people: int) -> list[dict]:
    """Person n starts anywhere and walks 6 to 12 items on, one every third day; the last two are in the test's days."""
    random = np.random.default_rng(1)
    rows = []
    for number in range(people):
        start, length = int(random.integers(ITEMS)), int(random.integers(6, 13))
        rows.append(
            {
                "person_id": person(number),
                "item_ids": [item(start + step) for step in range(length)],
                "occurred_at": [LAST - datetime.timedelta(days=3 * (length - 1 - step)) for step in range(length)],
                "age_band": "25-34",
                "gender": "unknown",
                "region": "north",
            }
        )
    return rows


ACTIONS = ("view", "cart", "purchase", "rate")


def action_on(item_id: str) -> str:
    """What everybody did with an item."""
    return ACTIONS[int(item_id[1:]) % len(ACTIONS)]


def scoring_rows(people: int) -> list[dict]:
    """The same with the strongest action on each item."""
    return [row | {"strongest_actions": [*map(action_on, row["item_ids"])]} for row in sequence_rows(people)]


def consent_row(number: int, **changes) -> dict:
    """Every tenth refuses training, every seventh to be scored, every second to be written to."""
    row = {
        "person_id": person(number),
        "consent_profiling": True,
        "consent_training": number % 10 != 9,
        "consent_personalisation": number % 7 != 6,
        "consent_marketing_contact": number % 2 == 0,
    }
    return row | changes


def profile_row(number: int, **changes) -> dict:
    row = {
        "person_id": person(number),
        "age_band": "25-34",
        "gender": "unknown",
        "region": "north" if number % 2 else "south",
        "interests": [{"category": "running", "weight": 0.7}, {"category": "music", "weight": 0.3}],
        "recency_days": 10 * number,
        "frequency": 1,
        "monetary": 20.0,
        "basket": 20.0,
        "price_tier": "low",
        "rfm_band": "promising",
        "active_daypart": "evening",
        "weekend_share": 0.5,
        "main_device": "mobile",
        "posts": 0,
        "segments": ["commuters"],
        **consent_row(number),
        "first_seen": START,
        "last_seen": START,
    }
    return row | changes


def build_town(home: Path, people: int = 120) -> None:
    """Marts of one day: `people` with a history, and one newcomer without."""
    consents = [*(consent_row(number) for number in range(people)), consent_row(0, person_id="pffffffffffffffff")]
    publish(home, "dim_person_consent", consents)
    for table, purpose, rows in (
        ("training_sequences", "training", sequence_rows(people)),
        ("scoring_sequences", "personalisation", scoring_rows(people)),
    ):
        agreed = {row["person_id"] for row in consents if row[f"consent_{purpose}"]}
        publish(home, table, [row for row in rows if row["person_id"] in agreed])
    newcomer = profile_row(0, person_id="pffffffffffffffff", interests=None, recency_days=None, segments=None)
    publish(home, "dim_person_profile", [*(profile_row(number) for number in range(people)), newcomer])
    catalogue = [
        {
            "item_id": item(number),
            "title": f"=Shoe {number}" if number == 0 else f"Shoe {number}",
            "category": "running" if number % 2 else "music",
            "price": 10.0,
            "interactions": 5,
        }
        for number in range(ITEMS)
    ]
    publish(home, "dim_item", catalogue)
