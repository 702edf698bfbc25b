"""What came of the places of earlier lists, in a lake that is written by hand."""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.lake import Lake
from contracts.tables.activation import PLANS
from lake_tables.arrow import arrow_schema
from training.off_policy.logged_lists import read_logged_lists

DS = "2026-11-20"
PEOPLE, SINCE = ["a", "c"], np.array(["2026-11-12", "2026-11-01"], "datetime64[D]")


def publish(lake: Lake, table: str, ds: str, rows: list[dict], schema: pa.Schema | None = None) -> None:
    file = lake.staging(table) / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), file)
    lake.publish(table, ds, {file.name: file})


def plan(person: str, *items: str, pool: str | None = "xyz", campaign: str = "page") -> dict:
    return {
        "person_id": person,
        "campaign": campaign,
        "channel": "site",
        "items": list(items),
        "item_propensities": [0.8, 0.25][: len(items)],
        "pool": None if pool is None else list(pool),
        "propensity": 1.0,
        "cost": 0.0,
    }


def act(person: str, item: str, moment: str) -> dict:
    return {"person_id": person, "item_id": item, "occurred_at": datetime.datetime.fromisoformat(f"{moment}+00:00")}


@pytest.fixture
def lake(tmp_path, monkeypatch):
    """Three nights of lists, and acts."""
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    lake = Lake(tmp_path / "lake")
    nights = {
        "2026-11-10": [plan("a", "x", "y")],  # before a's last act that was learned from
        "2026-11-17": [plan("a", "x", "z"), plan("b", "x", "y"), plan("a", "q", pool=None, campaign="letter")],
        "2026-11-18": [plan("a", "y", "x"), plan("c", "z")],
    }
    for night, rows in nights.items():
        publish(lake, "plans", night, rows, arrow_schema(PLANS))
    publish(lake, "fct_interactions", "2026-11-17", [act("a", "x", "2026-11-17T23:00:00")])  # before the list
    publish(
        lake,
        "fct_interactions",
        "2026-11-20",
        [
            act("a", "z", "2026-11-18T10:00:00"),
            act("a", "z", "2026-11-18T11:00:00"),
            act("a", "x", "2026-11-19T23:59:59"),  # of the list of the 18th, not of that of the 17th
            act("c", "z", "2026-11-21T00:00:00"),  # of a clock that runs ahead
        ],
    )
    return lake


def test_a_place_has_earned_what_came_until_the_next_list(lake):
    log = read_logged_lists(lake, DS, PEOPLE, SINCE)
    assert list(zip(log.people, log.nights.astype(str), strict=True)) == [
        ("a", "2026-11-17"),
        ("a", "2026-11-18"),
        ("c", "2026-11-18"),
    ]
    assert set(log.campaigns) == {"page"}
    assert log.pool.tolist() == [["x", "y", "z"]] * 3
    assert log.shown.tolist() == [[0, 2], [1, 0], [2, -1]]
    assert log.propensities[:2].tolist() == [[0.8, 0.25]] * 2
    assert np.isnan(log.propensities[2, 1])
    assert log.earned.tolist() == [[0, 1], [0, 1], [0, 0]]
    assert log.counts.tolist() == [[True, True], [True, True], [True, False]]
    assert log.planned_for_shown


def test_where_places_are_logged_as_shown_the_others_do_not_count(lake):
    publish(lake, "persons", DS, [{"identifier": "cookie:1", "person_id": "a"}])
    shown = {
        "identifier": "cookie:1",
        "campaign": "page",
        "plan": datetime.date(2026, 11, 18),
        "item_id": "x",
        "position": 1,
    }
    publish(lake, "impressions", "2026-11-19", [shown, shown, {**shown, "plan": None, "item_id": "z"}])
    log = read_logged_lists(lake, DS, PEOPLE, SINCE)
    assert log.counts.tolist() == [[True, True], [False, True], [False, False]]
    assert log.planned_for_shown, "of the 17th nothing is logged"
    log = read_logged_lists(lake, DS, PEOPLE, np.array(["2026-11-18"] * 2, "datetime64[D]"))
    assert not log.planned_for_shown


def test_where_messages_are_logged_lists_count_that_arrived_and_acts_from_then_on(lake):
    def message(person: str, night: int, arrived: str | None, campaign: str = "page") -> dict:
        moment = arrived and datetime.datetime.fromisoformat(arrived)
        plan = datetime.date(2026, 11, night)
        return {"person_id": person, "campaign": campaign, "plan": plan, "delivered_at": moment}

    sends = [
        message("a", 17, "2026-11-18T10:30:00"),
        message("a", 18, "2026-11-20T00:00:01"),
        message("b", 18, "2026-11-19T08:00:00"),
        message("c", 18, None),
    ]
    schema = pa.schema(
        {"person_id": pa.string(), "campaign": pa.string(), "plan": pa.date32(), "delivered_at": pa.timestamp("us")}
    )
    publish(lake, "fct_sends", DS, sends, schema)
    log = read_logged_lists(lake, DS, PEOPLE, SINCE)
    assert log.earned.tolist() == [[0, 1], [0, 0], [0, 0]], (
        "the act of 11:00 came after the letter, that of the 19th before"
    )
    assert log.counts.tolist() == [[True, True], [True, True], [False, False]], "c's never arrived"
    assert not log.planned_for_shown
    publish(
        lake,
        "fct_sends",
        DS,
        [message("a", 18, None, "letter"), message("b", 17, None), message("a", 16, None)],
        schema,
    )
    log = read_logged_lists(lake, DS, PEOPLE, SINCE)
    assert log.counts.tolist() == [[False, False], [True, True], [True, False]], "of the 17th there is a log, without a"
    assert log.planned_for_shown, "of the page's 18th nothing is logged"
    late = message("a", 17, "2026-11-19T00:00:00")
    publish(lake, "fct_sends", DS, [late], schema)
    log = read_logged_lists(lake, DS, PEOPLE, SINCE)
    assert not log.counts[0].any(), "it arrived when the next list was there"


def test_nothing_is_known_where_no_campaign_explores(lake):
    assert read_logged_lists(lake, "2026-11-10", PEOPLE, SINCE) is None
    for night in ("2026-11-10", "2026-11-17", "2026-11-18"):
        publish(lake, "plans", night, [plan("a", "x", pool=None)], arrow_schema(PLANS))
    assert read_logged_lists(lake, DS, PEOPLE, SINCE) is None
    publish(lake, "plans", "2026-11-18", [{"person_id": "a", "campaign": "page", "items": ["x"]}])  # of before
    publish(lake, "plans", "2026-11-17", [plan("b", "x", "y")], arrow_schema(PLANS))
    assert len(read_logged_lists(lake, DS, PEOPLE, SINCE)) == 0
