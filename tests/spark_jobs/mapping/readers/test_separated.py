"""Fields between separators, through a whole mapping."""

from __future__ import annotations

import datetime

from spark_jobs.mapping.job import map_source
from tests.spark_jobs.feeds_by_hand import DAY, books, deliver, expected_pseudonym, rows_of


def test_separated_fields(settings):
    lines = [
        "1::0114508::8::1381006850",
        "1::0114508::8::1381006850",
        "2::0102926::10::1590000000::more",
        "3::0208092::11::1381006850",
        "4::0208092::five::1381006850",
        "5::0208092::5::soon",
        "6::0208092::5::1999999999",
    ]
    deliver(settings, "movietweetings", "ratings.dat", lines)
    map_source(settings, "movietweetings", DAY)
    assert books(settings, "movietweetings") == {
        "read": 7,
        "mapped": 1,
        "dropped duplicate": 1,
        "quarantined malformed": 1,
        "quarantined stars_out_of_range": 2,
        "quarantined contract: events.occurred_at": 1,
        "quarantined clock_skew": 1,
    }
    [event] = rows_of(settings, "events")
    assert (event["action"], event["item_id"], event["value"]) == ("rate", "0114508", 8.0)
    assert event["occurred_at"] == datetime.datetime(2013, 10, 5, 21, 0, 50, tzinfo=datetime.UTC)
    assert event["identifier"] == expected_pseudonym(settings, "account", "1")
    purposes = {row["purpose"] for row in rows_of(settings, "consents")}
    assert purposes == {"profiling", "training", "personalisation"}
