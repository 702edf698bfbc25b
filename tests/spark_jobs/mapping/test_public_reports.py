"""Inputs from public reports of bugs, through whole mappings: each ends as a reader of the report would want it."""

from __future__ import annotations

import json

from spark_jobs.identity.job import resolve_identities
from spark_jobs.mapping.job import map_source
from tests.spark_jobs.feeds_by_hand import (
    DAY,
    books,
    deliver,
    expected_pseudonym,
    log_line,
    post,
    response,
    responses,
    rows_of,
)

CHECKOUT = "/checkout/complete?item="


def test_a_log_with_odd_addresses_amounts_and_accounts(settings):
    networks = [
        log_line("/item/i-1", host=host, cookie=None)
        for host in (
            *("::ffff:203.0.113.7", "::ffff:198.51.100.9", "203.0.113.7:51234", "203.77.1.2:40000"),
            *("192.0.2.1, 10.0.0.9, 10.0.0.2", "::ffff:127.0.0.1", "localhost"),
        )
    ]
    amounts = [
        log_line(f"{CHECKOUT}x&amount=-1", host="198.51.100.66"),
        log_line("/consent?profiling=1", cookie="c-n"),
        log_line(f"{CHECKOUT}x&amount=NaN", cookie="c-n"),
        log_line(f"{CHECKOUT}garden hose&amount=12.50", cookie="hose"),
        log_line(f"{CHECKOUT}50%-off&amp;amount=19.90%", cookie="percent"),
    ]
    strangers = [f"stranger-{number}" for number in range(5)]
    logins = [log_line("/login", user="undefined", cookie=cookie) for cookie in strangers]
    bought = [log_line(f"{CHECKOUT}i-2&amount=5", user="undefined", cookie=cookie) for cookie in strangers]
    deliver(settings, "apache_combined", "access.log", [*networks, *amounts, *logins, *bought])
    map_source(settings, "apache_combined", DAY)

    book = books(settings, "apache_combined")
    assert book["dropped own_traffic"] == 2
    assert book["quarantined contract: events.value"] == 2
    assert book["noted uncast: events.value"] == 1
    assert book["noted no_value: account"] == 10
    events = rows_of(settings, "events")
    visitors = [event["identifier"] for event in events if event["identifier"].startswith("visitor:")]
    assert (len(visitors), len(set(visitors))) == (5, 4)
    sold = {
        event["identifier"]: (event["item_id"], event["value"]) for event in events if event["action"] == "purchase"
    }
    assert sold == {
        expected_pseudonym(settings, "cookie", "hose"): ("garden hose", 12.5),
        expected_pseudonym(settings, "cookie", "percent"): ("50%-off", None),
        **{expected_pseudonym(settings, "cookie", cookie): ("i-2", 5.0) for cookie in strangers},
    }
    [consent] = rows_of(settings, "consents")
    assert (consent["identifier"], consent["granted"]) == (expected_pseudonym(settings, "cookie", "c-n"), True)

    resolve_identities(settings, DAY)
    persons = {row["identifier"]: row["person_id"] for row in rows_of(settings, "persons")}
    assert len({persons[expected_pseudonym(settings, "cookie", cookie)] for cookie in strangers}) == 5
    assert not any(identifier.startswith("account:") for identifier in persons)


def test_prices_that_are_none_or_absurd_stay_out_of_the_catalogue(settings):
    item = {"title": "Hose", "category": "garden"}
    prices = {"i-1": "19.9", "i-2": "NaN", "i-3": "1e300", "i-4": "Infinity"}
    lines = [
        json.dumps({"id": id_, **item, "price": {"amount": 0, "currency": "EUR"}}).replace(
            '"amount": 0', f'"amount": {price}'
        )
        for id_, price in prices.items()
    ]
    deliver(settings, "catalogue", "items.jsonl", lines)
    map_source(settings, "catalogue", DAY)
    assert [(row["item_id"], row["price"]) for row in rows_of(settings, "items")] == [("i-1", 19.9)]
    assert books(settings, "catalogue")["quarantined contract: items.price"] == 3


def test_an_act_of_nobody_is_dropped_and_not_quarantined(settings):
    nobody = {"acct": "undefined", "bot": False, "fields": []}
    deliver(settings, "mastodon", "statuses.jsonl", [post("1"), post("2", account=nobody)])
    map_source(settings, "mastodon", DAY)
    assert books(settings, "mastodon") == {
        "read": 2,
        "mapped": 1,
        "dropped no_value": 1,
        "noted no_value: handle": 1,
    }


def test_previews_and_spam_grant_nothing(settings):
    kinds = ("Spam", "Survey Preview Spam", "12", "Survey Preview", "Offline Survey Preview", "17", "Imported", "16")
    of_kinds = [
        response(f"K_{kind}", email=f"{number}@example.org", account="").replace("IP Address", kind)
        for number, kind in enumerate(kinds)
    ]
    channel = response("R_4", email="di@example.org", account="di").replace(",email,", ",preview,")
    unfinished = response("R_5", email="el@example.org", account="el").replace("True", "False")
    timed = response("R_6", email="fo@example.org", account="fo", recorded="9:20")
    deliver(
        settings, "qualtrics_csv", "responses.csv", responses(response("R_1"), *of_kinds, channel, unfinished, timed)
    )
    map_source(settings, "qualtrics_csv", DAY)
    assert books(settings, "qualtrics_csv") == {
        "read": 15,
        "mapped": 3,
        "dropped header_row": 3,
        "dropped spam": 3,
        "dropped preview": 4,
        "dropped unfinished": 1,
        "quarantined contract: answers.occurred_at": 1,
        "noted uncast: occurred_at": 1,
    }
    contacts = {expected_pseudonym(settings, "email", f"{name}@example.org") for name in ("anna", 6, 7)}
    assert {row["identifier"] for row in rows_of(settings, "consents")} == contacts


def test_when_a_survey_was_answered_is_read_or_refused_and_never_the_day_of_delivery(settings):
    dates = {"1": "2/5/2018 4:01", "2": "5/10/2018 4:01", "3": "10.5.2018", "4": "43230.5", "5": "soon", "6": "10:15"}
    deliver(
        settings,
        "generic_survey_csv",
        "habits.csv",
        ["respondent_id,StartDate,Like it?", *(f"{number},{date},yes" for number, date in dates.items())],
    )
    map_source(settings, "generic_survey_csv", DAY)
    found = sorted(f"{row['occurred_at']:%Y-%m-%d %H:%M}" for row in rows_of(settings, "answers"))
    assert found == ["2018-02-05 04:01", "2018-05-10 00:00", "2018-05-10 04:01", "2018-05-10 12:00"]
    assert books(settings, "generic_survey_csv")["quarantined contract: answers.occurred_at"] == 2
