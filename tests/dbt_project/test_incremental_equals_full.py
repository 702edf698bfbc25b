"""A night that goes on from the night before gives what all events give, byte by byte; on many random towns at once.

People merge and split, grant and withdraw, rows come late, twice, ahead of their time or in money whose rate comes
later, a day arrives after the next, another is delivered again, people are forgotten, an older day is built again, and
days long ago are folded into one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from contracts.tables.marts import MART_TABLES
from contracts.tables.summaries import FOLDED_TABLES, TO_DATE_TABLES
from dbt_project.build import build
from dbt_project.runner import kept_days
from dbt_project.runner.command import Built, DbtCommand
from tests.dbt_project.random_nights import (
    FRIDAY,
    LONG_AGO,
    NIGHTS,
    RECENT,
    SATURDAY,
    THURSDAY,
    WEDNESDAY,
    run_nights,
)
from tests.dbt_project.tiny_lake import TinyHome

MARTS = [table.name for table in MART_TABLES]
FEW_TOWNS, ALL_TOWNS = 25, 200


@dataclass(frozen=True)
class Compared:
    """Digests of the marts and the report of a day, as it was built on from summaries, and from all events."""

    kept: tuple[dict[str, str], dict[str, Any]]
    full: tuple[dict[str, str], dict[str, Any]]


def outcome(home: TinyHome, ds: str) -> tuple[dict[str, str], dict[str, Any]]:
    report = json.loads((home.settings.home.reports / ds / "profile.json").read_text())
    of_the_run = ("seconds", "memory_gib", "since")
    return home.digests(MARTS, ds), {name: value for name, value in report.items() if name not in of_the_run}


def since(home: TinyHome, ds: str) -> str | None:
    return json.loads((home.settings.home.reports / ds / "profile.json").read_text())["since"]


def build_without_tests(dbt: DbtCommand, variables: dict[str, Any]) -> Built:
    """Models alone: the tests of their data have tests of their own."""
    options = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
    done = dbt.run("build", variables, *options)
    assert done.returncode == 0, done.stdout
    return Built(models=0, tests=0)


def nights_of(home: TinyHome, towns: int, seed: int, *, nights: tuple[str, ...] = NIGHTS) -> dict[str, Compared]:
    """Some nights, then Thursday once more, if it is one of them; the last and that, with Friday, from all events."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DbtCommand, "build", build_without_tests)
        patch.setattr(kept_days, "FOLDED_AT_ONCE", 0)
        run_nights(home, towns, seed, nights)
        assert since(home, FRIDAY) == RECENT[0], "the days since the one that was delivered again are read again"
        assert since(home, SATURDAY) == FRIDAY
        for table in TO_DATE_TABLES:
            assert home.lake.days(table.name) == [FRIDAY], "Saturday goes on from the sums of Friday"
        kept = {SATURDAY: outcome(home, SATURDAY)}
        if THURSDAY in nights:
            kept[FRIDAY] = outcome(home, FRIDAY)
            assert since(home, THURSDAY) == WEDNESDAY
            build(home.settings, THURSDAY)
            assert since(home, THURSDAY) == WEDNESDAY
            kept[THURSDAY] = outcome(home, THURSDAY)
        compared = {}
        for ds in sorted(kept):
            build(home.settings, ds, full_refresh=True)
            assert since(home, ds) is None
            compared[ds] = Compared(kept[ds], outcome(home, ds))
    return compared


@pytest.fixture(scope="module")
def home(new_home) -> TinyHome:
    return new_home()


@pytest.fixture(scope="module")
def compared(home) -> dict[str, Compared]:
    return nights_of(home, FEW_TOWNS, seed=20261120, nights=(WEDNESDAY, FRIDAY, SATURDAY))


@pytest.mark.parametrize("table", MARTS)
def test_a_mart_is_the_same_from_summaries_and_from_all_events(compared, table):
    assert compared[SATURDAY].kept[0][table] == compared[SATURDAY].full[0][table]


def test_the_report_is_the_same(compared):
    kept, full = compared[SATURDAY].kept[1], compared[SATURDAY].full[1]
    assert kept == full
    assert kept["redelivered"] > 0
    assert kept["without_euros"] > 0


def test_the_days_long_ago_are_one_partition(compared, home):
    assert compared
    for table in FOLDED_TABLES:
        first, second, *_ = home.lake.days(table.name)
        assert max(LONG_AGO) <= first < RECENT[0] == second


@pytest.mark.long
def test_all_towns(new_home):
    """With Thursday, too, which is built on and built again when Friday has been."""
    compared = nights_of(new_home(), ALL_TOWNS, seed=1)
    assert sorted(compared) == [THURSDAY, FRIDAY, SATURDAY]
    for ds, ((kept, kept_report), (full, full_report)) in ((ds, (one.kept, one.full)) for ds, one in compared.items()):
        assert [table for table in MARTS if kept[table] != full[table]] == [], ds
        assert kept_report == full_report
