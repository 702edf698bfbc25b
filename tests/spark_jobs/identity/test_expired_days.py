"""A night goes on from the night before although the oldest day of a table has lived its span."""

from __future__ import annotations

import pytest

from contracts.lake import Lake
from contracts.settings import Settings
from spark_jobs.identity.job import _inputs
from spark_jobs.identity.rules import load_rules

DAYS = ("2026-11-17", "2026-11-18", "2026-11-19")


@pytest.fixture
def settings(tmp_path) -> Settings:
    """A lake with three days of acts; no Spark is needed."""
    settings = Settings.from_env({"NIGHTSHIFT_HOME": str(tmp_path)})
    for ds in DAYS:
        publish(settings, ds)
    return settings


def publish(settings: Settings, ds: str) -> None:
    lake = Lake(settings.home.lake)
    file = lake.staging("map") / "feed-0.parquet"
    file.write_text(ds)
    lake.publish("events", ds, {file.name: file}, owner="feed")


def inputs(settings: Settings) -> str:
    return _inputs(Lake(settings.home.lake), load_rules(settings), DAYS[1])


def test_a_day_that_has_expired_is_no_change(settings):
    before = inputs(settings)
    Lake(settings.home.lake).expire("events", DAYS[0], noted=True)
    assert inputs(settings) == before


def test_a_day_that_was_withdrawn_or_mapped_again_is_one(settings):
    before = inputs(settings)
    Lake(settings.home.lake).expire("events", DAYS[0], noted=True)
    publish(settings, DAYS[0])
    again = inputs(settings)
    Lake(settings.home.lake).withdraw("events", DAYS[1])
    assert len({before, again, inputs(settings)}) == 3
