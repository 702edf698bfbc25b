"""A mail service's webhook through a whole mapping: what became of each message, and who wants no more of them."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from spark_jobs.mapping.job import map_source
from tests.spark_jobs.feeds_by_hand import (
    DAY,
    FIREFOX,
    accounted,
    books,
    deliver,
    expected_pseudonym,
    keyed_by_hand,
    rows_of,
    settings_in,
)

SENT = int(datetime.datetime(2026, 11, 19, 6, tzinfo=datetime.UTC).timestamp())
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


def status(event: str, to: str, after: int = 0, **fields: Any) -> str:
    """One event of a message to an address, so many seconds after it was sent."""
    one = {
        "email": f"{to}@example.org",
        "timestamp": SENT + after,
        "event": event,
        "sg_event_id": f"{event}-{to}-{after}",
        "sg_message_id": f"message-{to}",
        "campaign": "autumn_letter",
        "plan": "2026-11-18",
        "ip": "203.0.113.77",
    }
    return json.dumps({name: value for name, value in (one | fields).items() if value is not None})


LINES = [
    # out of order: clicked before it was taken over; and everything of the clicked line once more
    status("click", "ann", 900, url="https://shop.example/?utm_campaign=autumn", useragent=FIREFOX),
    status("processed", "ann"),
    status("open", "ann", 60, sg_machine_open=True, useragent="Mozilla/5.0"),
    status("open", "ann", 600, sg_machine_open=False, useragent=FIREFOX),
    status("delivered", "ann", 5),
    status("delivered", "ann", 5, response="250 OK; queued"),
    status("open", "ben", 30, useragent=GMAIL),
    status("open", "ben", 31, useragent="Mozilla/5.0"),
    status("click", "ben", 40, useragent="Barracuda Sentinel (EE)"),
    status("bounce", "cem", type="bounce", reason="550 5.1.1 no such user", status="5.1.1"),
    status("bounce", "dora", type="blocked", reason="452 mailbox full"),
    status("deferred", "eva", attempt="1"),
    status("dropped", "fay", reason="Bounced Address"),
    status("dropped", "gus", reason="Unsubscribed Address"),
    status("spamreport", "hal", 3600),
    status("unsubscribe", "IDA", 60, email=" Ida@Example.org "),
    status("group_unsubscribe", "jon", 60, campaign=None, plan=None, asm_group_id=7),
    status("delivered", "kim", sg_event_id=None, sg_message_id=None),
    status("delivered", "leo", plan="yesterday"),
    # twenty days late
    status("delivered", "old", -20 * 86_400),
    # neither anybody's message nor a decision
    status("group_resubscribe", "jon", 90),
    status("account_status_change", "x"),
    # broken
    status("teleported", "moe"),
    status("delivered", "ned", timestamp="soon"),
    status("delivered", "oto", timestamp=SENT * 1000),
    status("delivered", "pia", timestamp=None),
    status("delivered", "", email=""),
    '{"email": "q@example.org", "timestamp": 17',
]


@pytest.fixture(scope="module")
def mapped(tmp_path_factory, spark):  # noqa: ARG001
    settings = settings_in(tmp_path_factory.mktemp("esp"))
    deliver(settings, "esp_events", "webhook-1.jsonl", LINES)
    # the service posts again what was not acknowledged
    deliver(settings, "esp_events", "webhook-2.jsonl.gz", LINES[:2])
    map_source(settings, "esp_events", DAY)
    return settings


def of(settings, to: str) -> list[dict]:
    who = expected_pseudonym(settings, "email", f"{to}@example.org")
    return sorted((row for row in rows_of(settings, "sends") if row["identifier"] == who), key=str)


def test_every_line_is_accounted_for(mapped):
    book = books(mapped, "esp_events")
    assert accounted(book) == book["read"] == len(LINES) + 2
    assert {name: rows for name, rows in book.items() if name.startswith(("dropped", "quarantined"))} == {
        "dropped duplicate": 3,
        "dropped resubscribed": 1,
        "dropped of_the_account": 1,
        "quarantined unknown_event": 1,
        "quarantined malformed": 1,
        "quarantined contract: sends.identifier": 1,
        "quarantined contract: sends.occurred_at": 3,
    }
    assert book["noted uncast: sends.plan"] == 1


def test_one_message_has_one_id_whatever_the_order_of_its_statuses(mapped):
    rows = of(mapped, "ann")
    assert sorted((row["status"], row["by_machine"]) for row in rows) == [
        ("clicked", False),
        ("delivered", False),
        ("opened", False),
        ("opened", True),
        ("processed", False),
    ]
    assert {row["message_id"] for row in rows} == {keyed_by_hand(mapped, "esp_events ann@example.org message-ann")}
    [clicked] = (row for row in rows if row["status"] == "clicked")
    assert clicked["occurred_at"] == datetime.datetime(2026, 11, 19, 6, 15, tzinfo=datetime.UTC)
    assert (clicked["campaign"], clicked["plan"], clicked["channel"]) == (
        "autumn_letter",
        datetime.date(2026, 11, 18),
        "mail",
    )
    assert len({row["message_id"] for row in rows_of(mapped, "sends")}) == 13


def test_proxies_and_scanners_are_no_person(mapped):
    assert sorted((row["status"], row["by_machine"]) for row in of(mapped, "ben")) == [
        ("clicked", True),
        ("opened", True),
        ("opened", True),
    ]


def test_only_an_address_that_takes_no_mail_any_more_is_permanent(mapped):
    found = {to: [row["permanent"] for row in of(mapped, to)] for to in ("cem", "dora", "eva", "fay", "gus")}
    assert found == {"cem": [True], "dora": [False], "eva": [False], "fay": [True], "gus": [False]}


def test_who_unsubscribes_or_reports_spam_withdraws(mapped):
    withdrawn = {(row["identifier"], row["purpose"], row["granted"]) for row in rows_of(mapped, "consents")}
    assert withdrawn == {
        (expected_pseudonym(mapped, "email", f"{to}@example.org"), "marketing_contact", False)
        for to in ("hal", "ida", "jon")
    }
    [of_no_campaign] = of(mapped, "jon")
    assert (of_no_campaign["campaign"], of_no_campaign["plan"]) == (None, None)


def test_a_status_of_weeks_ago_is_mapped_on_the_day_on_which_it_arrives(mapped):
    [late] = of(mapped, "old")
    assert late["occurred_at"] == datetime.datetime(2026, 10, 30, 6, tzinfo=datetime.UTC)


def test_no_address_reaches_the_lake(mapped):
    rows = json.dumps([rows_of(mapped, table) for table in ("sends", "consents", "quarantine")], default=str)
    assert "example.org" not in rows
    assert "203.0.113" not in rows
