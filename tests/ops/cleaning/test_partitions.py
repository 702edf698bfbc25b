"""Which partitions go, which stay for those who need them, and what nobody may touch."""

from __future__ import annotations

import datetime
import os

import pytest

from contracts.lake import Lake
from contracts.life_spans import LifeSpans
from ops.cleaning.partitions import Partitions, foreign
from ops.cleaning.removal import Today

TODAY = datetime.date(2026, 11, 19)
SPANS = LifeSpans(
    marts=3,
    audiences=3,
    replaced_runs=1,
    tables={"events": 5, "persons": 2, "scores": 4, "quarantine": 3, "dim_person_consent": 3, "training_sequences": 3},
)


def ago(days: int) -> str:
    return (TODAY - datetime.timedelta(days=days)).isoformat()


@pytest.fixture
def home(tmp_path):
    return tmp_path


def lake_of(home) -> Lake:
    return Lake(home / "lake")


def publish(lake: Lake, table: str, ds: str, *, made_days_ago: float = 1000, text: str = "rows") -> None:
    file = lake.staging("test") / "part-0.parquet"
    file.write_text(text)
    lake.publish(table, ds, {file.name: file})
    touch(lake.partition(table, ds), made_days_ago)
    touch(lake.root / ".runs" / table / ds, made_days_ago)


def touch(path, days_ago: float) -> None:
    moment = datetime.datetime.now(datetime.UTC).timestamp() - days_ago * 86400
    os.utime(path, (moment, moment), follow_symlinks=False)


def partitions(home, spans=SPANS, *, needed=frozenset(), day=TODAY) -> Partitions:
    today = Today(day, datetime.datetime.now(datetime.UTC))
    return Partitions(lake_of(home), Lake(home / "audiences"), spans, today, needed)


def clean(home, *arguments, **options) -> None:
    for one in partitions(home, *arguments, **options).removals():
        one.remove()


def days_ago(home, table: str, lake: str = "lake") -> list[int]:
    days = [datetime.date.fromisoformat(ds) for ds in Lake(home / lake).days(table)]
    return sorted((TODAY - one).days for one in days)


def test_a_table_keeps_as_many_days_as_its_span(home):
    for days in range(8):
        publish(lake_of(home), "events", ago(days))
        publish(lake_of(home), "dim_person_consent", ago(days))
        publish(lake_of(home), "consents", ago(days))
    clean(home)
    assert days_ago(home, "events") == [0, 1, 2, 3, 4]
    assert days_ago(home, "dim_person_consent") == [0, 1, 2]
    assert days_ago(home, "consents") == list(range(8)), "no span can be given to it"
    assert [*partitions(home).removals()] == [], "a second time there is nothing to do"


def test_the_newest_partition_stays_however_old_it_is(home):
    for days in (900, 700):
        publish(lake_of(home), "events", ago(days))
        publish(lake_of(home), "scores", ago(days))
    clean(home)
    assert days_ago(home, "events") == days_ago(home, "scores") == [700]


def test_without_a_published_night_no_day_is_too_old(home):
    for days in (900, 700):
        publish(lake_of(home), "events", ago(days))
    clean(home, day=None)
    assert days_ago(home, "events") == [700, 900]


def test_forever_is_forever(home):
    for days in (9000, 0):
        publish(lake_of(home), "events", ago(days))
    clean(home, LifeSpans(tables={"events": None}))
    assert days_ago(home, "events") == [0, 9000]


def test_marts_that_were_made_again_lately_stay_their_time_and_acts_do_not(home):
    """A backfill of past days waits for its training; a rotation of keys must not let acts live longer."""
    for days in (0, 100):
        publish(lake_of(home), "dim_person_consent", ago(days), made_days_ago=2)
        publish(lake_of(home), "events", ago(days), made_days_ago=2)
    clean(home)
    assert days_ago(home, "dim_person_consent") == [0, 100]
    assert days_ago(home, "events") == [0]


def test_persons_stay_as_long_as_a_table_names_people_as_of_their_day(home):
    for days in range(6):
        publish(lake_of(home), "persons", ago(days))
    publish(lake_of(home), "scores", ago(0))
    publish(lake_of(home), "scores", ago(3))
    publish(Lake(home / "audiences"), "runners", ago(2))
    clean(home)
    assert days_ago(home, "persons") == [0, 1, 2, 3]


def test_what_a_version_learned_from_stays_with_all_its_runs_and_its_persons(home):
    lake = lake_of(home)
    for days in (0, 10, 20):
        publish(lake, "training_sequences", ago(days))
        publish(lake, "persons", ago(days))
    publish(lake, "training_sequences", ago(20), text="made again")
    needed = {("training_sequences", ago(20))}
    clean(home, needed=needed)
    assert days_ago(home, "training_sequences") == days_ago(home, "persons") == [0, 20]
    runs = lake.root / ".runs" / "training_sequences" / ago(20)
    assert len(list(runs.iterdir())) == 2, "an erasure looks for the person in what was published before, too"
    clean(home)
    assert days_ago(home, "training_sequences") == [0]


def test_where_the_registry_does_not_say_what_it_needs_marts_and_persons_stay(home):
    for table in ("training_sequences", "persons", "events"):
        for days in (0, 100):
            publish(lake_of(home), table, ago(days))
    clean(home, needed=None)
    assert days_ago(home, "training_sequences") == days_ago(home, "persons") == [0, 100]
    assert days_ago(home, "events") == [0]


def test_audiences_go_by_their_span_the_last_of_an_ended_campaign_too(home):
    for campaign, days in (("runners", 0), ("runners", 5), ("ended", 50)):
        publish(Lake(home / "audiences"), campaign, ago(days))
        publish(Lake(home / "audiences"), campaign, ago(days), text="made again")
    clean(home)
    assert days_ago(home, "runners", "audiences") == [0]
    assert days_ago(home, "ended", "audiences") == []


@pytest.mark.parametrize(("made_days_ago", "left"), [(0.9, 2), (1.1, 1)])
def test_a_replaced_run_stays_a_day_for_its_readers(home, made_days_ago, left):
    publish(lake_of(home), "events", ago(0))
    publish(lake_of(home), "events", ago(0), text="again", made_days_ago=made_days_ago)
    clean(home)
    assert len(list((home / "lake" / ".runs" / "events" / ago(0)).iterdir())) == left
    assert lake_of(home).files("events", ago(0))[0].read_text() == "again"


def test_a_run_that_is_being_published_is_not_touched(home):
    """A removal that was planned before the link moved looks once more, under the lock of who publishes."""
    lake = lake_of(home)
    publish(lake, "events", ago(0))
    left = lake.root / ".runs" / "events" / ago(0) / "99990101T000000000000"
    left.mkdir()
    touch(left.parent, 2)
    [removal] = partitions(home).removals()
    link = lake.partition("events", ago(0))
    link.unlink()
    link.symlink_to(os.path.relpath(left, link.parent))
    removal.remove()
    assert left.is_dir()


def test_a_partition_that_was_made_again_since_it_was_looked_at_stays(home):
    for days in (0, 9):
        publish(lake_of(home), "scores", ago(days))
    [removal] = partitions(home).removals()
    publish(lake_of(home), "scores", ago(9), text="again")
    removal.remove()
    assert days_ago(home, "scores") == [0, 9]


def test_what_a_killed_job_staged_goes_and_what_one_is_writing_stays(home):
    lake = lake_of(home)
    for job, days in (("killed", 2), ("at work", 2), ("begun today", 0)):
        folder = lake.staging(job)
        (folder / "part-0.parquet").touch()
        for path in (folder / "part-0.parquet", folder, folder.parent):
            touch(path, days)
    with lake.lock("at work"):
        clean(home)
    assert sorted(path.name for path in (lake.root / ".runs" / ".staging").iterdir()) == ["at work", "begun today"]


def test_a_broken_link_goes_with_its_day_and_one_within_the_span_is_left_to_the_doctor(home):
    lake = lake_of(home)
    publish(lake, "events", ago(0))
    for days in (2, 50):
        lake.partition("events", ago(days)).symlink_to("../.runs/events/gone")
    clean(home)
    assert not lake.partition("events", ago(50)).is_symlink()
    assert lake.partition("events", ago(2)).is_symlink()


def test_what_is_none_of_the_lakes_is_left_alone_and_named(home):
    lake = lake_of(home)
    publish(lake, "events", ago(0))
    publish(lake, "of_another_release", ago(900))
    (lake.root / "events" / f"ds={ago(900)}").mkdir()
    for name in ("notes.txt", "events/ds=soon", "events/README"):
        (lake.root / name).write_text("mine")
    clean(home)
    found = {str(path.relative_to(lake.root)) for path in foreign(lake, {"events"})}
    assert found == {"notes.txt", "events/ds=soon", "events/README", f"events/ds={ago(900)}", "of_another_release"}
    assert all((lake.root / name).exists() for name in found)
