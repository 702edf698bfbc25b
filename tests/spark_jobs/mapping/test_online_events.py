"""What the API writes is mapped as acts and decisions: under the pseudonyms of other sources, and nothing raw."""

from __future__ import annotations

import json

import pytest

from serving.online.deliveries import Deliveries
from serving.online.source import ACTS, CONSENTS, SOURCE
from spark_jobs.mapping.job import map_source
from tests.spark_jobs.feeds_by_hand import DAY, accounted, books, expected_pseudonym, rows_of, settings_in

AT = f"{DAY}T10:00:00.250000+00:00"


@pytest.fixture(scope="module")
def mapped(tmp_path_factory, spark):  # noqa: ARG001
    settings = settings_in(tmp_path_factory.mktemp("online"))
    deliveries = Deliveries(settings)
    deliveries.day = lambda: DAY
    bought = {"event_id": "one", "occurred_at": AT, "account": "Ann", "action": "purchase", "item_id": "i-1"}
    deliveries.add(ACTS, bought | {"value": 24.5, "quantity": 2.0, "order_id": "o-1", "device": "mobile"})
    deliveries.add(ACTS, bought)  # what a shop sends twice
    deliveries.add(ACTS, {"event_id": "two", "occurred_at": AT, "email": "Ben <ben@example.org>", "action": "visit"})
    deliveries.add(ACTS, {"event_id": "three", "occurred_at": AT, "account": "unknown", "action": "visit"})
    deliveries.add(
        CONSENTS,
        {
            "event_id": "four",
            "occurred_at": AT,
            "account": "ann",
            "purposes": ["personalisation", "training"],
            "granted": False,
        },
    )
    deliveries.close()
    for file in (settings.raw / SOURCE / f"ds={DAY}").iterdir():
        file.write_text(file.read_text() + ('{"event_id": "cut' if file.name.startswith(ACTS) else ""))
    map_source(settings, SOURCE, DAY)
    return settings


def test_every_line_is_accounted_for(mapped):
    book = books(mapped, SOURCE)
    assert accounted(book) == book["read"] == 6
    assert {name: rows for name, rows in book.items() if name.startswith(("dropped", "quarantined"))} == {
        "dropped duplicate": 1,
        "dropped no_value": 1,  # a word that names nobody
        "quarantined malformed": 1,
    }


def test_acts_are_events_under_the_pseudonyms_of_other_sources(mapped):
    rows = {row["action"]: row for row in rows_of(mapped, "events")}
    assert set(rows) == {"purchase", "visit"}
    bought = rows["purchase"]
    assert bought["identifier"] == expected_pseudonym(mapped, "account", "ann")
    assert rows["visit"]["identifier"] == expected_pseudonym(mapped, "email", "ben@example.org")
    assert {name: bought[name] for name in ("item_id", "value", "quantity", "order_id", "device")} == {
        "item_id": "i-1",
        "value": 24.5,
        "quantity": 2.0,
        "order_id": "o-1",
        "device": "mobile",
    }
    assert bought["occurred_at"].isoformat() == AT


def test_a_withdrawal_is_a_decision_on_each_purpose(mapped):
    rows = rows_of(mapped, "consents")
    assert {(row["purpose"], row["granted"]) for row in rows} == {("personalisation", False), ("training", False)}
    assert {row["identifier"] for row in rows} == {expected_pseudonym(mapped, "account", "ann")}
    assert not [row for row in rows if "Ann" in json.dumps(row, default=str)]
