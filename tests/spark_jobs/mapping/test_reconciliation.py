"""The limits of quarantine: a few bad rows pass, a bad delivery does not; and the sums are checked for real."""

from __future__ import annotations

import pytest

from contracts.errors import LakeError, RawDataError
from contracts.lake import Lake
from contracts.report import source_entry
from spark_jobs.mapping.job import map_source
from spark_jobs.mapping.reconciliation import Count, added_up, check_share, check_sum
from spark_jobs.mapping.spec import load_spec
from tests.spark_jobs.feeds_by_hand import DAY, books, deliver, post

SPEC = load_spec("mastodon")
"""Its limit is a share of 0.05."""


def counts(read: int, *, mapped: int = 0, dropped: int = 0, ds: str = DAY, **quarantined: int) -> list[Count]:
    rows = [Count("mastodon", ds, "read", None, read), Count("mastodon", ds, "mapped", None, mapped)]
    rows += [Count("mastodon", ds, "quarantined", rule, number) for rule, number in quarantined.items()]
    return [*rows, Count("mastodon", ds, "dropped", "bot", dropped), Count("mastodon", ds, "noted", "late", 7)]


def test_equal_sums_pass_and_notes_stand_beside_them():
    check_sum(SPEC, DAY, counts(10, mapped=6, dropped=3, malformed=1))


@pytest.mark.parametrize("mapped", [5, 7])
def test_a_row_lost_or_multiplied_is_an_error(mapped):
    with pytest.raises(LakeError, match=f"10 read and {mapped + 4} accounted for"):
        check_sum(SPEC, DAY, counts(10, mapped=mapped, dropped=3, malformed=1))


def test_each_day_has_a_sum_of_its_own():
    both = counts(10, mapped=9) + counts(10, mapped=11, ds="2026-11-18")
    with pytest.raises(LakeError):
        check_sum(SPEC, DAY, both)
    with pytest.raises(LakeError):
        check_sum(SPEC, "2026-11-18", both)


@pytest.mark.parametrize(("read", "quarantined"), [(21, 20), (420, 21), (1000, 50), (0, 0), (5, 0)], ids=str)
def test_few_rows_or_a_small_share_pass(read, quarantined):
    check_share(SPEC, DAY, counts(read, mapped=read - quarantined, malformed=quarantined))


@pytest.mark.parametrize(("read", "quarantined"), [(419, 21), (1000, 51), (1, 1), (20, 20)], ids=str)
def test_many_rows_above_the_share_or_nothing_else_at_all_do_not(read, quarantined):
    with pytest.raises(RawDataError, match=f"{quarantined} of {read} that do not"):
        check_share(SPEC, DAY, counts(read, mapped=read - quarantined, malformed=quarantined))


def test_a_day_of_nothing_but_bots_is_a_good_day():
    check_share(SPEC, DAY, counts(20, dropped=19, malformed=1))


def test_the_error_names_the_commonest_reasons_first():
    with pytest.raises(RawDataError, match="wrong_encoding: 60, malformed: 30, clock_skew: 10"):
        check_share(SPEC, DAY, counts(150, mapped=49, clock_skew=10, malformed=30, wrong_encoding=60, other=1))


def test_counts_of_one_rule_are_added_up():
    twice = [Count("s", DAY, "read", None, 2), Count("s", DAY, "read", None, 3), Count("s", DAY, "dropped", "bot", 1)]
    assert added_up(twice) == [Count("s", DAY, "dropped", "bot", 1), Count("s", DAY, "read", None, 5)]


def test_the_summary_has_the_keys_of_the_report():
    noted = [
        Count("mastodon", DAY, "noted", "bot:Googlebot", 2),
        Count("mastodon", DAY, "noted", "unknown_field:a:b", 3),
    ]
    all_counts = counts(10, mapped=6, dropped=3, malformed=1) + noted
    all_counts += [
        Count("mastodon", DAY, "read", None, 4, "record"),
        Count("mastodon", DAY, "mapped", None, 3, "record"),
        Count("mastodon", DAY, "dropped", "duplicate", 1, "record"),
        Count("mastodon", DAY, "noted", "uncast: events.value", 2, "record"),
    ]
    nothing = {"read": 0, "mapped": 0, "quarantined": 0, "quarantined_reasons": {}, "dropped": {}}
    assert source_entry((count.unit, count.outcome, count.rule, count.rows) for count in all_counts) == {
        "read": 10,
        "mapped": 6,
        "quarantined": 1,
        "quarantined_reasons": {"malformed": 1},
        "dropped": {"bot": 3},
        "noted": {"late": 7, "uncast: events.value": 2},
        "bots": {"Googlebot": 2},
        "unmapped_fields": {"a:b": 3},
        "records": {**nothing, "read": 4, "mapped": 3, "dropped": {"duplicate": 1}},
        "files": nothing,
    }


def test_books_of_before_units_were_counted_count_rows():
    entry = source_entry([(None, "read", None, 2), (None, "mapped", None, 2)])
    assert (entry["read"], entry["mapped"], entry["records"]["read"]) == (2, 2, 0)


def test_records_and_files_have_sums_of_their_own():
    lost = [Count("mastodon", DAY, "read", None, 3, "record"), Count("mastodon", DAY, "mapped", None, 2, "record")]
    with pytest.raises(LakeError, match=r"for the records of mastodon.*3 read and 2 accounted for"):
        check_sum(SPEC, DAY, counts(10, mapped=10) + lost)


def test_a_bad_delivery_stops_its_day_and_leaves_what_was_published(settings):
    """21 bad rows of 40 are above few and above the share; the day keeps the delivery of before."""
    deliver(settings, "mastodon", "statuses.jsonl", [post("1"), "bad"])
    map_source(settings, "mastodon", DAY)
    before = books(settings, "mastodon")
    assert before == {"read": 2, "mapped": 1, "quarantined malformed": 1}
    digest = Lake(settings.home.lake).digest("events", DAY)

    rows = [post(str(number)) for number in range(19)] + [f"bad {number}" for number in range(21)]
    deliver(settings, "mastodon", "statuses.jsonl", rows)
    with pytest.raises(RawDataError, match=r"at least 95% of the rows.*21 of 40 that do not \(malformed: 21\)"):
        map_source(settings, "mastodon", DAY)
    assert books(settings, "mastodon") == before
    assert Lake(settings.home.lake).digest("events", DAY) == digest
