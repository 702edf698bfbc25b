"""Apache combined logs through a whole mapping: fields, hostile lines, own traffic, bots, sessions, identities."""

from __future__ import annotations

import datetime

import pytest

from spark_jobs.mapping.job import map_source
from spark_jobs.mapping.quarantine import original_rows
from tests.spark_jobs.feeds_by_hand import (
    DAY,
    FIREFOX,
    accounted,
    books,
    deliver,
    expected_pseudonym,
    keyed_by_hand,
    log_line,
    rows_of,
    settings_in,
)

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
BINGBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) "
    "Chrome/116.0.1938.76 Safari/537.36"
)
GPTBOT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.1; +https://openai.com/gptbot"

ESCAPED = r"Mozilla/5.0 (\"quoted\" X11; Linux) Firefox/133.0"


def utc(hour: int, minute: int = 0) -> datetime.datetime:
    return datetime.datetime(2026, 11, 19, hour, minute, tzinfo=datetime.UTC)


def at(hour: int, minute: int) -> str:
    return f"19/Nov/2026:{hour:02d}:{minute:02d}:00 +0000"


@pytest.fixture(scope="module")
def shop(tmp_path_factory, spark):  # noqa: ARG001
    """One day of a shop, each line with a cookie of its own unless a visit is meant."""
    settings = settings_in(tmp_path_factory.mktemp("shop"))
    lines = [
        log_line("/item/i-0001?ref=1", cookie="view", at="19/Nov/2026:10:00:00 +0200"),
        log_line("/item/i-0002", cookie=None, host="198.51.100.9"),
        log_line("/item/i-0003", cookie="escaped", agent=ESCAPED),
        log_line("/cart/add?item=i-0004&n=1", cookie="cart"),
        log_line("/checkout/complete?item=i-0005&amount=19.90", cookie="buy", user="anna01"),
        log_line("/search?q=red+shoes+anna%40example.org", cookie="search"),
        log_line("/category/garden%20tools/?utm_campaign=spring", cookie="category"),
        log_line("/login", cookie="login", user="anna01"),
        log_line("/?utm_campaign=mail&subscriber=Anna%40Example.org", cookie="mail"),
        log_line("/consent?profiling=1&training=0&personalisation=1&marketing_contact=0", cookie="consent"),
        log_line("/consent?profiling=0", cookie="consent", at=at(11, 0)),
        log_line("/shown?campaign=front_page&plan=2026-11-18&items=i-2,,i-1", cookie="shown"),
        # two visits of one cookie: 29 minutes of silence do not end one, 31 do
        log_line("/a", cookie="visits", at=at(8, 0)),
        log_line("/b", cookie="visits", at=at(8, 29)),
        log_line("/c", cookie="visits", at=at(9, 0)),
        log_line("/d", cookie="visits", at=at(9, 29)),
        # without a cookie, the network and the browser are the visitor
        log_line("/a", cookie=None, host="192.0.2.5", at=at(8, 0)),
        log_line("/b", cookie=None, host="192.0.2.99", at=at(8, 10)),
        log_line("/b", cookie=None, host="192.0.2.99", at=at(8, 11), agent="Opera/9.80 (X11; Linux)"),
    ]
    deliver(settings, "apache_combined", "access.log", lines)
    map_source(settings, "apache_combined", DAY)
    return settings


def events_of(settings, kind: str, value: str) -> list[dict]:
    who = expected_pseudonym(settings, kind, value)
    found = [event for event in rows_of(settings, "events") if event["identifier"] == who]
    return sorted(found, key=lambda event: event["occurred_at"])


def test_every_line_is_mapped(shop):
    assert books(shop, "apache_combined") == {"read": 19, "mapped": 19}


def test_a_view_names_its_item_and_its_time_in_utc(shop):
    [event] = events_of(shop, "cookie", "view")
    assert (event["action"], event["item_id"], event["occurred_at"]) == ("view", "i-0001", utc(8))
    assert (event["device"], event["source"]) == ("desktop", "apache_combined")
    assert event["campaign"] is None


def test_a_line_without_the_cookie_field_is_a_visitor_by_network_and_browser(shop):
    [event] = events_of(shop, "visitor", f"198.51.100.0/24 {FIREFOX.lower()}")
    assert event["item_id"] == "i-0002"
    assert len(events_of(shop, "visitor", f"192.0.2.0/24 {FIREFOX.lower()}")) == 2
    assert len(events_of(shop, "visitor", "192.0.2.0/24 opera/9.80 (x11; linux)")) == 1


def test_escaped_quotes_in_the_user_agent_do_not_shift_the_fields(shop):
    [event] = events_of(shop, "cookie", "escaped")
    assert (event["item_id"], event["device"]) == ("i-0003", "desktop")


def test_carts_purchases_searches_and_categories(shop):
    [cart] = events_of(shop, "cookie", "cart")
    assert (cart["action"], cart["item_id"], cart["value"]) == ("cart", "i-0004", None)
    [purchase] = events_of(shop, "account", "anna01")
    assert (purchase["action"], purchase["item_id"], purchase["value"]) == ("purchase", "i-0005", 19.90)
    [search] = events_of(shop, "cookie", "search")
    assert (search["action"], search["topics"]) == ("search", ["red", "shoes", "[email]"])
    [category] = events_of(shop, "cookie", "category")
    assert (category["action"], category["category"], category["campaign"]) == ("visit", "garden tools", "spring")


def test_logins_and_consents_are_no_events(shop):
    assert events_of(shop, "cookie", "login") == []
    assert events_of(shop, "cookie", "consent") == []


def test_a_consent_line_is_one_decision_a_purpose(shop):
    who = expected_pseudonym(shop, "cookie", "consent")
    decisions = rows_of(shop, "consents")
    assert {row["identifier"] for row in decisions} == {who}
    assert sorted((row["occurred_at"], row["purpose"], row["granted"]) for row in decisions) == [
        (utc(10), "marketing_contact", False),
        (utc(10), "personalisation", True),
        (utc(10), "profiling", True),
        (utc(10), "training", False),
        (utc(11), "profiling", False),
    ]


def test_logins_and_mail_clicks_are_edges(shop):
    edges = {row["kind"]: {row["left_identifier"], row["right_identifier"]} for row in rows_of(shop, "identity_edges")}
    assert edges == {
        "login": {expected_pseudonym(shop, "account", "anna01"), expected_pseudonym(shop, "cookie", "login")},
        "email_click": {
            expected_pseudonym(shop, "email", "anna@example.org"),
            expected_pseudonym(shop, "cookie", "mail"),
        },
    }


def test_what_a_page_showed_is_one_impression_an_item_and_no_event(shop):
    who = expected_pseudonym(shop, "cookie", "shown")
    assert events_of(shop, "cookie", "shown") == []
    shown = sorted((row["position"], row["item_id"], row["campaign"]) for row in rows_of(shop, "impressions"))
    assert shown == [(1, "i-2", "front_page"), (2, "i-1", "front_page")]
    [(identifier, plan)] = {(row["identifier"], row["plan"]) for row in rows_of(shop, "impressions")}
    assert (identifier, plan) == (who, datetime.date(2026, 11, 18))


def test_half_an_hour_of_silence_ends_a_session(shop):
    visits = events_of(shop, "cookie", "visits")
    first, second = visits[0]["event_id"], visits[2]["event_id"]
    assert [event["session_id"] for event in visits] == [first, first, second, second]
    assert first != second


def test_visitors_without_a_cookie_have_sessions_by_browser(shop):
    together = events_of(shop, "visitor", f"192.0.2.0/24 {FIREFOX.lower()}")
    assert len({event["session_id"] for event in together}) == 1
    [other] = events_of(shop, "visitor", "192.0.2.0/24 opera/9.80 (x11; linux)")
    assert other["session_id"] == other["event_id"]


def test_bots_are_dropped_by_name_and_hostile_lines_are_set_aside(settings):
    hostile = [
        r"\x16\x03\x01\x00\xee",
        '203.0.113.7 - - [19/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" abc 1 "-" "x"',
        '203.0.113.7 - - [99/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "x"',
        "203.0.113.7 - - [19/Nov/2026:10:00:00",
        '203.0.113.7 - - [19/Nov/2026:10:00:00 +0000] "GET /never-closed',
        "a" * 20_000,
    ]
    no_request = log_line("/").replace('"GET / HTTP/1.1"', '"-"')
    tls = log_line("/", cookie="tls").replace('"GET / HTTP/1.1"', r'"\x16\x03\x01"')
    lines = [
        log_line("/"),
        no_request,
        tls,
        log_line("/item/i-1", agent=GOOGLEBOT),
        log_line("/item/i-2", agent=GOOGLEBOT),
        log_line("/item/i-2", agent=BINGBOT),
        log_line("/item/i-3", agent=GPTBOT),
        log_line("/health", host="127.0.0.1"),
        log_line("/health", host="::1"),
        log_line("/gone", status=404),
        log_line("/broken", status=500),
        log_line("/style/main.css?v=3"),
        log_line("/logo.PNG"),
        log_line("/search?q=logo.png", cookie="not-an-asset"),
        log_line("/late", at="18/Nov/2026:23:59:00 +0000"),
        log_line("/skewed", at="21/Nov/2026:00:00:00 +0000"),
        *hostile,
    ]
    deliver(settings, "apache_combined", "access.log", lines)
    entry = map_source(settings, "apache_combined", DAY)["sources"]["apache_combined"]
    book = books(settings, "apache_combined")
    assert book == {
        "read": 22,
        "mapped": 5,
        "dropped bot": 4,
        "dropped own_traffic": 2,
        "dropped not_served": 2,
        "dropped page_asset": 2,
        "quarantined clock_skew": 1,
        "quarantined malformed": 6,
        "noted bot:Googlebot": 2,
        "noted bot:bingbot": 1,
        "noted bot:GPTBot": 1,
        "noted late": 1,
    }
    assert accounted(book) == 22
    assert entry["bots"] == {"Googlebot": 2, "bingbot": 1, "GPTBot": 1}
    kept = {row["row_id"]: row["raw"] for row in rows_of(settings, "quarantine") if row["reason"] == "malformed"}
    assert kept.keys() == {keyed_by_hand(settings, line) for line in hostile}
    assert {text for _, _, text in original_rows(settings, "apache_combined", DAY, "malformed")} == set(hostile)
    assert kept[keyed_by_hand(settings, hostile[1])] == (
        '###.#.###.# - - [##/***/####:##:##:## +####] "GET / HTTP/#.#" *** # "-" "*"'
    )
    assert kept[keyed_by_hand(settings, hostile[-1])] == "*" * 500 + " ... of 20000 characters"
    assert all(event["action"] in ("visit", "search") for event in rows_of(settings, "events"))
