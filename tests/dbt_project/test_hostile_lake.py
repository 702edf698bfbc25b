"""Whatever the rows of a lake hold, the night ends well, and fifty people have the profiles that are theirs."""

from __future__ import annotations

import datetime
import json
import math
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from contracts.tables import TABLES
from contracts.tables.mapped import MAPPED_TABLES
from contracts.tables.vocabulary import ACTIONS, CHANNELS, DEVICES, EDGE_KINDS, PURPOSES, SEND_STATUSES
from dbt_project.build import build
from tests.dbt_project.tiny_lake import ARROW_TYPES, TinyHome, at

DAY = "2026-11-19"
ROWS = 500
"""Hostile rows of a table; there are several tables."""
PEOPLE = 50
MICROSECOND = datetime.timedelta(microseconds=1)
EPOCH = at("1970-01-01 00:00")

NASTY_TEXTS = ("", " ", "\t\n", "\u00a0\u200b\ufeff", "NaN", "null", "-1", "a" * 5000, "'; drop table events; --")
NASTY_TEXTS += (
    "{{ var('lake') }}",
    "${env:HOME}",
    "a\\",
    '"',
    "\u202eabc",
    "💥" * 101,
    "é",
    "../../etc/passwd",
    "1e300",
)
NASTY_NUMBERS = (
    math.nan,
    math.inf,
    -math.inf,
    -1.0,
    -0.0,
    0.0,
    1e300,
    -1e300,
    5e-324,
    10.0,
    10.5,
    95.0,
    1e6,
    1e6 + 1,
    1e9,
)
NASTY_MOMENTS = ("0001-01-01", "1582-10-10", "1969-12-31", "1989-12-31", "1990-01-01", "2026-11-19", "2026-11-20")
NASTY_MOMENTS += ("2026-11-21", "2038-01-19", "9999-12-31")
BEYOND_THE_CALENDAR = (2**63 - 1, -(2**63) + 2, 9_223_372_036_854_000_000, -9_000_000_000_000_000_000)
"""Microseconds since 1970 that no calendar of Python has; the first is DuckDB's infinity."""

OF_COLUMN = {"action": ACTIONS, "device": DEVICES, "purpose": PURPOSES, "kind": EDGE_KINDS, "currency": ("EUR", "USD")}
OF_COLUMN |= {"channel": CHANNELS, "status": SEND_STATUSES}

texts = st.one_of(
    st.none(), st.sampled_from(NASTY_TEXTS), st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
)
VALUES = {
    "string": texts,
    "double": st.one_of(st.none(), st.sampled_from(NASTY_NUMBERS), st.floats()),
    "int": st.one_of(st.none(), st.integers(-(2**31), 2**31 - 1)),
    "boolean": st.sampled_from((None, True, False)),
    "array<string>": st.one_of(st.none(), st.lists(texts, max_size=4), st.just(["x"] * 100)),
    "timestamp": st.one_of(
        st.none(),
        st.sampled_from([(at(f"{day} 00:00") - EPOCH) // MICROSECOND for day in NASTY_MOMENTS]),
        st.sampled_from(BEYOND_THE_CALENDAR),
        st.integers(-(2**55), 2**55),
    ),
    "date": st.one_of(st.none(), st.dates()),
}
"""Type of a column -> what it may hold; a moment as microseconds since 1970."""


def hostile_rows(table: str) -> list[dict[str, Any]]:
    """Rows of which each column is odd in one row of five, the same on every run; none has an honest row's id."""
    rows: list[dict[str, Any]] = []
    columns = {}
    for column in TABLES[table].columns:
        sane = {
            "string": st.sampled_from(OF_COLUMN.get(column.name, (f"x-{column.name}",))),
            "double": st.just(3.5),
            "int": st.just(3),
            "boolean": st.just(True),
            "array<string>": st.just(["word"]),
            "timestamp": st.just((at(f"{DAY} 08:00") - EPOCH) // MICROSECOND),
            "date": st.just(datetime.date(2026, 11, 19)),
        }[column.type]
        columns[column.name] = st.integers(0, 4).flatmap(
            lambda odd, sane=sane, type=column.type: VALUES[type] if odd == 4 else sane
        )

    @settings(
        max_examples=ROWS,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.fixed_dictionaries(columns), st.integers(0, 20))
    def draw(row: dict[str, Any], person: int) -> None:
        own = {
            name: f"cookie:hostile-{person}"
            for name in ("identifier", "left_identifier", "right_identifier")
            if name in row and person < 15
        }
        own |= {TABLES[table].key[0]: f"hostile-{len(rows)}"} if person % 2 else {}
        rows.append(row | own)

    draw()
    return rows


def honest_rows() -> dict[str, list[dict[str, Any]]]:
    """Fifty people: each agrees, views the cheaper and buys the dearer of two items, and says where they live."""
    moment = (at(f"{DAY} 08:00") - EPOCH) // MICROSECOND
    common = {"source": "shop", "occurred_at": moment}
    rows: dict[str, list[dict[str, Any]]] = {"events": [], "consents": [], "answers": []}
    rows["items"] = [
        {"source": "shop", "item_id": f"honest-{name}", "title": name, "category": "honest goods", "price": price}
        for name, price in (("cheap", 1.0), ("dear", 100.0))
    ]
    for number in range(PEOPLE):
        who = common | {"identifier": f"account:{number}"}
        act = who | {"device": "tablet"}
        rows["events"] += [
            act | {"event_id": f"view-{number}", "action": "view", "item_id": "honest-cheap"},
            act | {"event_id": f"buy-{number}", "action": "purchase", "item_id": "honest-dear", "value": 10.0 + number},
        ]
        rows["consents"] += [
            who | {"consent_id": f"{purpose}-{number}", "purpose": purpose, "granted": True} for purpose in PURPOSES
        ]
        rows["answers"].append(
            who | {"answer_id": f"a-{number}", "survey": "customer_survey", "question": "Q3_region", "answer": "North"}
        )
    return rows


def deliver(home: TinyHome, table: str, rows: list[dict[str, Any]]) -> None:
    """Publish rows as they are; a moment is a number of microseconds."""
    columns = {}
    for column in TABLES[table].columns:
        kind, values = ARROW_TYPES[column.type], [row.get(column.name) for row in rows]
        if column.type == "timestamp":
            columns[column.name] = pa.array(values, pa.int64()).cast(kind)
        else:
            columns[column.name] = pa.array(values, kind, from_pandas=False)
    file = home.lake.staging("hostile") / "part-00000.parquet"
    pq.write_table(pa.table(columns), file)
    home.lake.publish(table, DAY, {file.name: file})


@pytest.fixture(scope="module")
def night(new_home) -> TinyHome:
    """The lake with both kinds of rows, and one night over it."""
    home: TinyHome = new_home()
    honest, everybody = honest_rows(), set()
    for table in (table.name for table in MAPPED_TABLES):
        rows = hostile_rows(table)
        assert len(rows) >= ROWS
        rows += honest.get(table, [])
        deliver(home, table, rows)
        names = ("identifier", "left_identifier", "right_identifier")
        everybody |= {row[name] for row in rows for name in names if row.get(name) is not None}
    # every identifier has a person, as resolving gives it one
    home.deliver_persons(DAY, {f"person of {identifier}": [identifier] for identifier in sorted(everybody)})
    build(home.settings, DAY)
    return home


def test_the_fifty_have_the_profiles_that_are_theirs(night):
    profiles = {row["person_id"]: row for row in night.rows("dim_person_profile", DAY)}
    for number in range(PEOPLE):
        profile = profiles[f"person of account:{number}"]
        assert (profile["frequency"], profile["monetary"], profile["recency_days"]) == (1, 10.0 + number, 0)
        assert (profile["region"], profile["main_device"], profile["price_tier"]) == ("North", "tablet", "middle")
        assert profile["interests"] == [{"category": "honest goods", "weight": 1.0}]
        assert profile["consent_marketing_contact"] is True
        assert profile["first_seen"] == profile["last_seen"] == datetime.datetime(2026, 11, 19, 8)


def test_every_number_of_every_profile_and_item_is_one(night):
    rows = [*night.rows("dim_person_profile", DAY), *night.rows("dim_item", DAY), *night.rows("fct_interactions", DAY)]
    numbers = [value for row in rows for value in row.values() if isinstance(value, float)]
    assert len(numbers) > 4 * PEOPLE
    assert all(map(math.isfinite, numbers))


def test_what_was_set_aside_is_counted_by_table_and_column(night):
    set_aside = json.loads((night.settings.home.reports / DAY / "profile.json").read_text())["set_aside"]
    expected = ("events.value", "events.occurred_at", "events.action", "items.price", "items.title", "answers.answer")
    expected += ("consents.granted", "identity_edges.kind", "exchange_rates.rate", "media.path")
    expected += ("sends.status", "sends.occurred_at", "impressions.position")
    for place in expected:
        assert set_aside[place] > 0, place
    refused_consents = sum(rows for place, rows in set_aside.items() if place.startswith("consents."))
    assert refused_consents < ROWS + PEOPLE * len(PURPOSES)


def test_the_moments_that_are_left_lie_between_1990_and_the_next_day(night):
    moments = [row["occurred_at"] for row in night.rows("fct_interactions", DAY)]
    assert min(moments) >= datetime.datetime(1990, 1, 1)
    assert max(moments) < datetime.datetime(2026, 11, 21)
