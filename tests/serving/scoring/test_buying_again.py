"""Consumables come back when their usual interval is over; all else never does."""

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.lake import Lake
from lake_tables.shown.catalogue import Catalogue
from lake_tables.shown.rules import BuyAgain, Names
from serving.scoring.buying_again import items_due

DS, DAY = "2026-11-19", datetime.date(2026, 11, 20)
ITEMS = Catalogue.of(
    pd.DataFrame({"item_id": ["food", "sand", "toy", "tv"], "category": ["pets", "pets", "pets", "tv"]})
)


def deliver(lake, ds, *acts):
    """Acts as person, item, days before the day on which lists are seen, and what was done."""
    rows = [
        {
            "person_id": person,
            "item_id": item,
            "action": action,
            "occurred_at": datetime.datetime.combine(DAY - datetime.timedelta(days), datetime.time(9), datetime.UTC),
        }
        for person, item, days, action in ((*act, "purchase")[:4] for act in acts)
    ]
    file = lake.staging("test") / "acts.parquet"
    pq.write_table(pa.Table.from_pylist(rows), file)
    lake.publish("fct_interactions", ds, {file.name: file})


def due(lake, **rule):
    rule = BuyAgain(Names(categories=frozenset({"pets"})), **{"least_repeats": 2} | rule)
    rows = items_due(lake, DS, DAY, np.array(["ann", "bob", "cat", "dan"]), ITEMS, rule)
    return {row["person_id"]: row["item_ids"] for row in rows.to_pylist()}


def test_an_item_comes_back_after_its_median_interval_or_that_of_its_category(tmp_path):
    lake = Lake(tmp_path / "lake")
    assert due(lake) == {}
    deliver(
        lake,
        "2026-11-01",
        *[("ann", "food", days) for days in (90, 60, 30)],  # every 30 days: due on the day
        ("ann", "food", 60),  # twice on a day is once
        *[("bob", "food", days) for days in (69, 39, 9)],  # after 9 days it is not
        *[
            ("bob", "sand", days) for days in (50, 40)
        ],  # once again after 10 days: too seldom to know, so as its category
        ("cat", "toy", 29),
        ("dan", "toy", 30),
        ("dan", "tv", 300),
        ("dan", "tv", 200),
        ("dan", "food", 60, "view"),
        ("eve", "food", 60),  # of whom nothing may be said
    )
    assert due(lake) == {"ann": ["food"], "bob": ["sand"], "dan": ["toy"]}
    deliver(lake, DS, ("dan", "sand", 100), ("ann", "food", 1))
    assert due(lake) == {"bob": ["sand"], "dan": ["sand", "toy"]}, "the longest overdue first, nobody who has it"
    assert due(lake, places=1)["dan"] == ["sand"]
    assert due(lake, least_repeats=8) == {}, "nothing is known of any interval"
    deliver(lake, "2026-11-20", ("dan", "toy", 0))
    assert due(lake)["dan"] == ["sand", "toy"], "a later night's acts are not known yet"
    assert due(lake, within_days=7) == {}, "of what arrived before that, nothing is looked at"
