"""Nights of a shop from raw figures to alarms: what is planted is named, steady nights are quiet."""

from __future__ import annotations

import datetime
import json

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.lake import Lake
from contracts.retrainings import Retrainings
from contracts.tables import TABLES
from lake_tables.arrow import arrow_schema
from monitoring.show import show
from monitoring.watch import watch
from tests.homes import copied_home

FIRST = datetime.date(2026, 11, 2)
NIGHTS = 15
LAST = str(FIRST + datetime.timedelta(days=NIGHTS - 1))


class Shop:
    """A lake with one source that comes daily: 300 acts, a seventh of them by a page without an item."""

    def __init__(self, home) -> None:
        self.home, self.lake = home, Lake(home / "lake")

    def deliver(self, ds: str, *, rows: int = 300, change=lambda _events: None, fields: int = 0) -> None:
        random = np.random.default_rng([int(ds.replace("-", "")), 5])
        rows = int(rows * random.normal(1, 0.03))
        day = pd.Timestamp(ds, tz="UTC")
        bought = random.random(rows) < 0.3
        events = pd.DataFrame(
            {
                "event_id": [f"{number:032x}" for number in range(rows)],
                "source": "shop",
                "identifier": [f"account:{number:032x}" for number in random.integers(0, 200, rows)],
                "occurred_at": day + pd.to_timedelta(random.integers(0, 86_000, rows), unit="s"),
                "action": np.where(bought, "purchase", random.choice(["view", "visit", "cart"], rows)),
                "value": np.where(bought, random.lognormal(3, 0.5, rows), np.nan),
                "device": random.choice(["mobile", "desktop", "tablet"], rows, p=[0.5, 0.35, 0.15]),
                "category": random.choice(["music", "pets", "home"], rows),
            }
        )
        change(events)
        self.publish("events", ds, events)
        books = [
            {"source": "shop", "unit": "row", "outcome": one, "rule": "", "rows": rows} for one in ("read", "mapped")
        ]
        if fields:
            books.append(
                {"source": "shop", "unit": "row", "outcome": "noted", "rule": "unknown_field:x", "rows": fields}
            )
        self.publish("reconciliation", ds, pd.DataFrame(books))

    def publish(self, table: str, ds: str, rows: pd.DataFrame) -> None:
        schema = arrow_schema(TABLES[table])
        complete = rows.reindex(columns=schema.names).astype(object)
        complete = complete.where(complete.notna(), None)
        file = self.lake.staging("test") / "shop-1.parquet"
        plain = pa.schema([pa.field(one.name, one.type) for one in schema])
        pq.write_table(pa.Table.from_pandas(complete, schema=plain, preserve_index=False), file)
        self.lake.publish(table, ds, {file.name: file})


@pytest.fixture(scope="module")
def earlier_nights(tmp_path_factory):
    """A lake of all days but the last."""
    shop = Shop(tmp_path_factory.mktemp("shop"))
    for age in range(NIGHTS - 1, 0, -1):
        shop.deliver(str(datetime.date.fromisoformat(LAST) - datetime.timedelta(days=age)))
    return shop.home


@pytest.fixture
def shop(earlier_nights, tmp_path, monkeypatch):
    home = copied_home(earlier_nights, tmp_path / "home")
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(home))
    return Shop(home)


def alarms(ds: str = LAST) -> dict[str, str]:
    """Subject -> kind of a night's alarms."""
    return {row["subject"]: row["alarm"] for row in watch(ds).alarms}


def test_a_steady_night_is_quiet_and_says_so(shop, capsys):
    shop.deliver(LAST)
    assert alarms() == {}
    assert "no alarms; 14 days before described" in capsys.readouterr().out
    report = json.loads((shop.home / "reports" / LAST / "watch.json").read_text())
    assert report["alarms"] == []
    assert report["drift"]["compared"] >= 4  # action, device, category, value
    assert shop.lake.days("source_health") == [*shop.lake.days("events")]
    assert pd.read_parquet(shop.lake.partition("alarms", LAST)).empty


def test_a_figure_is_that_of_a_count_by_hand(shop):
    rows = pd.DataFrame(
        {
            "event_id": ["a", "b", "c", "d"],
            "source": "shop",
            "identifier": ["account:1", "account:1", "cookie:2", "account:3"],
            "occurred_at": pd.to_datetime([f"{LAST}T08:00Z"] * 3 + ["2026-11-01T23:00Z"]),
            "action": ["view", "purchase", "purchase", "view"],
            "value": [np.nan, 16.0, 17.0, np.nan],
            "device": [None, "mobile", "mobile", "mobile"],
        }
    )
    shop.publish("events", LAST, rows)
    shop.publish(
        "reconciliation",
        LAST,
        pd.DataFrame([{"source": "shop", "unit": "row", "outcome": "read", "rule": "", "rows": 4}]),
    )
    found = {(row["table_name"], row["column_name"], row["measure"]): row for row in watch(LAST).figures}
    assert found["events", "*", "rows"]["value"] == 4
    assert found["events", "device", "null_share"]["value"] == 0.25
    assert found["events", "occurred_at", "late_share"]["value"] == 0.25
    for column, measure, bins in (
        ("identifier", "values", {"account": 3, "cookie": 1}),
        ("action", "values", {"view": 2, "purchase": 2}),
        ("value", "numbers", {"16": 2}),  # from 16 to 19.03
        ("occurred_at", "values", {"08": 3, "23": 1}),
    ):
        row = found["events", column, measure]
        assert dict(zip(row["names"], row["counts"], strict=True)) == bins


def double(shop):
    shop.deliver(LAST, rows=600)


def missing(shop):
    assert LAST not in shop.lake.days("events")


def without_devices(shop):
    shop.deliver(LAST, change=lambda events: events.__setitem__("device", None))


def new_device(shop):
    def rename(events):
        events.loc[:59, "device"] = "fridge"

    shop.deliver(LAST, change=rename)


def without_tablets(shop):
    def rename(events):
        events.loc[events["device"] == "tablet", "device"] = "mobile"

    shop.deliver(LAST, change=rename)


def prices(shop):
    shop.deliver(LAST, change=lambda events: events.__setitem__("value", events["value"] * 100))


def tastes(shop):
    def move(events):
        events.loc[events["category"] == "pets", "category"] = "music"
        events.loc[:30, "category"] = "pets"

    shop.deliver(LAST, change=move)


def late(shop):
    shop.deliver(
        LAST, change=lambda events: events.__setitem__("occurred_at", events["occurred_at"] - pd.Timedelta(days=1))
    )


def fields(shop):
    shop.deliver(LAST, fields=200)


@pytest.mark.parametrize(
    ("plant", "subject", "kind"),
    [
        (double, "shop", "volume"),
        (missing, "shop", "missing"),
        (without_devices, "shop: events.device", "nulls"),
        (new_device, "shop: events.device = fridge", "new_category"),
        (without_tablets, "shop: events.device = tablet", "vanished_category"),
        (prices, "shop: events.value", "drift"),
        (tastes, "shop: events.category", "drift"),
        (late, "shop: events.occurred_at", "late"),
        (fields, "shop: noted unknown_field:x", "schema"),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_what_is_planted_is_named_the_same_night(shop, plant, subject, kind):
    plant(shop)
    assert alarms().get(subject) == kind


def test_a_doubled_source_is_one_alarm_and_goes_on_since_its_first_night(shop, capsys):
    shop.deliver(LAST, rows=600)
    assert alarms() == {"shop": "volume"}
    next_day = str(datetime.date.fromisoformat(LAST) + datetime.timedelta(days=1))
    shop.deliver(next_day, rows=600)
    [alarm] = watch(next_day).alarms
    assert (alarm["subject"], alarm["since"]) == ("shop", datetime.date.fromisoformat(LAST))
    assert alarm["says"].endswith(f"; since {LAST}")
    capsys.readouterr()
    show(next_day, "shop")
    assert capsys.readouterr().out.count("  alarm") == 2  # `look` is this command


def test_a_night_that_is_watched_again_says_the_same(shop):
    shop.deliver(LAST, rows=600)
    first = watch(LAST).alarms
    assert watch(LAST).alarms == first


def test_words_of_few_people_are_not_named(shop):
    def confess(events):
        events.loc[:4, "category"] = "a rare illness"

    shop.deliver(LAST, change=confess)
    watch(LAST)
    names = duckdb.sql(
        f"select distinct unnest(names) from read_parquet('{shop.lake.root}/source_health/*/*.parquet')"
    ).fetchall()
    assert "(rare)" in {name for (name,) in names}
    assert "a rare illness" not in {name for (name,) in names}


def promoted(shop, **promised) -> None:
    line = {"model": "next_item", "version": 3, "ds": "2026-11-10", "decision": "promoted", "dry_run": False}
    (shop.home / "ledger.jsonl").write_text(json.dumps({**line, "promised": promised}) + "\n")


def realised(metric: str, value: float, spread: float | None, people: int = 400) -> dict:
    return {
        "people_of": "next_item/3",
        "model_version": "next_item/3",
        "metric": metric,
        "value": value,
        "low": None if spread is None else value - spread,
        "high": None if spread is None else value + spread,
        "people": people,
        "scored_on": datetime.date(2026, 11, 15),
        "first_day": datetime.date(2026, 11, 16),
        "last_day": datetime.date.fromisoformat(LAST),
    }


@pytest.mark.parametrize(
    ("value", "kinds"),
    [(0.47, {}), (0.41, {}), (0.30, {"next_item: ndcg@10": "quality"})],
    ids=["as promised", "below by chance", "worth less"],
)
def test_a_champion_is_held_to_its_promotion(shop, monkeypatch, value, kinds):
    monkeypatch.setenv("NIGHTSHIFT_RETRAIN_MINUTES", "5")
    promoted(shop, **{"ndcg@10": [0.45, 0.50]})
    shop.deliver(LAST)
    shop.publish("realised", LAST, pd.DataFrame([realised("ndcg@10", value, 0.04)]))
    assert alarms() == kinds
    asked = Retrainings(shop.home / "retrainings")
    assert asked.take(LAST, "run 1") == (["next_item"] if kinds else [])
    assert asked.take(LAST, "run 2") == []  # once


def test_chances_are_held_to_the_bounds_of_the_gate(shop):
    promoted(shop, click_ratio=[0.67, 1.5])
    shop.deliver(LAST)
    rows = [realised("click_predicted", 0.30, None), realised("click_seen", 0.10, None)]
    shop.publish("realised", LAST, pd.DataFrame(rows))
    # 0.30 / (0.10 + 3 x 0.015) = 2.07, above 1.5
    assert alarms() == {"next_item: click": "calibration"}


def test_a_model_rests_after_it_was_asked_for(tmp_path):
    asked = Retrainings(tmp_path)
    assert asked.ask("response", "2026-11-01", reason="it fell", rest_days=14)
    assert not asked.ask("response", "2026-11-02", reason="it fell", rest_days=14)
    assert asked.ask("next_item", "2026-11-02", reason="it fell", rest_days=14)
    assert asked.ask("response", "2026-11-15", reason="it fell", rest_days=14)
