"""The same days give the same bytes in every order and grouping in which they are mapped."""

from __future__ import annotations

import pytest

from contracts.tables.mapped import MAPPED_TABLES, QUARANTINE, RECONCILIATION
from spark_jobs.identity.job import resolve_identities
from spark_jobs.mapping.job import map_source
from tests.spark_jobs.feeds_by_hand import deliver, digests, log_line, post, settings_in

DAYS = ["2026-11-18", "2026-11-19"]
POSTS_DAY = DAYS[0]
MAPPED = [table.name for table in (*MAPPED_TABLES, QUARANTINE, RECONCILIATION)]


def deliver_day(settings, day: str) -> None:
    """A day with late rows, a clock ahead, a bot, dirt and a login; on the first day also posts."""
    number = DAYS.index(day)
    at = f"{day[-2:]}/Nov/2026:10:0{{}}:00 +0000"
    weblog = [
        log_line("/item/i-1", at=at.format(0)),
        log_line("/checkout/complete?item=i-1&amount=5", at=at.format(1)),
        log_line("/item/i-2", at="15/Nov/2026:22:00:00 +0000", cookie="late"),
        log_line("/item/i-2", at="23/Nov/2026:22:00:00 +0000", cookie="ahead"),
        log_line("/", agent="Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
        log_line("/login", user=f"anna0{number}", at=at.format(2)),
        log_line("/consent?training=1&profiling=0", at=at.format(3)),
        f"dirt of {day}",
    ]
    posts = [post(f"{day}-{one}", created_at=f"{day}T09:00:00Z", tags=[{"name": "tea"}]) for one in range(20)]
    deliver(settings, "apache_combined", "access.log.gz", weblog, ds=day)
    if day == POSTS_DAY:
        deliver(settings, "mastodon", "statuses.jsonl", [*posts, "{"], ds=day)


def mapped_in(home, key: str, arrivals: list[list[str]], *, resolving: str = "after all"):
    """A lake in which each group of days landed and was mapped by one job a source.

    Args:
        resolving: when the persons are made: `each night`, `after all` (for each day) or `never`.
    """
    settings = settings_in(home)
    settings.pseudonym_key_file.parent.mkdir(parents=True)
    settings.pseudonym_key_file.write_text(key)
    for days in arrivals:
        for day in days:
            deliver_day(settings, day)
        map_source(settings, "apache_combined", max(days))
        if POSTS_DAY in days:
            map_source(settings, "mastodon", POSTS_DAY)
        if resolving == "each night":
            resolve_identities(settings, max(days))
    if resolving == "after all":
        for day in DAYS:
            resolve_identities(settings, day)
    return settings


@pytest.fixture(scope="module")
def key() -> str:
    return "5e" * 32


@pytest.fixture(scope="module")
def nightly(tmp_path_factory, spark, key):  # noqa: ARG001
    return mapped_in(tmp_path_factory.mktemp("nightly"), key, [[day] for day in DAYS], resolving="each night")


@pytest.fixture(scope="module")
def nights(nightly):
    """Digests of the nightly lake; every table that the web log writes is there on every day."""
    found = digests(nightly)
    written = ["events", "consents", "identity_edges", "quarantine", "reconciliation", "persons"]
    assert set(found) == {(table, day) for table in written for day in DAYS} | {("texts", POSTS_DAY)}
    return found


def test_a_backfill_of_two_days_in_one_job_equals_two_nights(nights, tmp_path_factory, key):
    assert digests(mapped_in(tmp_path_factory.mktemp("backfill"), key, [DAYS])) == nights


@pytest.mark.long
def test_days_that_arrive_in_reverse_order_equal_two_nights(nights, tmp_path_factory, key):
    """Of equal tables the same persons are made, as the backfill shows."""
    late = mapped_in(tmp_path_factory.mktemp("reverse"), key, [[day] for day in reversed(DAYS)], resolving="never")
    assert digests(late, MAPPED) == {place: digest for place, digest in nights.items() if place[0] != "persons"}


def test_a_rerun_of_a_day_gives_the_same_bytes_in_every_table(nightly, nights):
    map_source(nightly, "apache_combined", DAYS[0])
    assert digests(nightly, MAPPED) == {place: digest for place, digest in nights.items() if place[0] != "persons"}
    resolve_identities(nightly, DAYS[0])
    assert digests(nightly) == nights
