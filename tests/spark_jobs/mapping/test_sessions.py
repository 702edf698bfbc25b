"""Where a session begins and ends, on a few acts of two visitors."""

from __future__ import annotations

import datetime

from spark_jobs.mapping.sessions import with_session

ACTS = [
    # visitor, minutes and seconds of the day, the session that it belongs to
    ("a", 0, 0, "a 0:00"),
    ("a", 29, 59, "a 0:00"),
    ("a", 59, 58, "a 0:00"),
    ("a", 89, 58, "a 89:58"),  # half an hour to the second
    ("a", 120, 0, "a 120:00"),
    ("b", 60, 0, "b 60:00"),
    (None, 60, 0, None),
]
DAY = datetime.datetime(2026, 11, 19)


def name(visitor: str | None, minutes: int, seconds: int) -> str:
    return f"{visitor} {minutes}:{seconds:02d}"


def at(minutes: int, seconds: int) -> datetime.datetime:
    return DAY + datetime.timedelta(minutes=minutes, seconds=seconds)


def test_half_an_hour_of_silence_ends_a_session_and_a_second_less_does_not(spark):
    rows = [(DAY.date(), visitor, at(*time), name(visitor, *time)) for visitor, *time, _ in reversed(ACTS)]
    events = spark.createDataFrame(rows, "ds date, session_key string, occurred_at timestamp, event_id string")
    sessions = {row.event_id: row.session_id for row in with_session(events, silence_minutes=30).collect()}
    assert sessions == {name(visitor, *time): first for visitor, *time, first in ACTS}
