"""Files beside tables and models go when nobody has touched them for their span."""

from __future__ import annotations

import datetime
import os

import pytest

from contracts.home import Home
from contracts.lake import Lake
from contracts.life_spans import LifeSpans
from contracts.published_days import PublishedDays
from ops.cleaning.old_files import OldFiles
from ops.cleaning.removal import Today

DAY = datetime.date(2026, 11, 19)
SPANS = LifeSpans(logs=10, checkpoints=5, learning_curves=20, reports=30, marts=3)


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path)


def write(file, days_ago: float) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("text")
    moment = datetime.datetime.now(datetime.UTC).timestamp() - days_ago * 86400
    for path in (file, file.parent):
        os.utime(path, (moment, moment))


def clean(home: Home, *, expired_marts=()) -> list[tuple[str, str]]:
    removals = list(OldFiles(home, SPANS, Today(DAY, datetime.datetime.now(datetime.UTC))).removals(expired_marts))
    for one in removals:
        one.remove()
    return [(one.kind, one.name) for one in removals]


def test_logs_that_nobody_writes_to_go_with_the_folders_that_are_empty_then(home):
    task = home.airflow / "logs" / "dag_id=nightly_profiles" / "run_id=1" / "task_id=map"
    write(task / "attempt=1.log", 11)
    write(home.airflow / "logs" / "dag_id=train_models" / "attempt=1.log", 2)
    write(home.logs / "nightly-2026-11-01.log", 11)
    write(home.logs / "spark.log", 0)
    write(home.airflow / "airflow.db", 11)
    clean(home)
    assert [file.name for file in home.logs.iterdir()] == ["spark.log"]
    assert [folder.name for folder in (home.airflow / "logs").iterdir()] == ["dag_id=train_models"]
    assert (home.airflow / "airflow.db").exists()
    assert clean(home) == []


def test_states_of_trainings_go_but_none_that_is_written_to(home):
    write(home.checkpoints / "next_item" / "2026-11-01-aa" / "weights", 6)
    write(home.checkpoints / "next_item" / "2026-11-02-bb" / "weights", 6)
    write(home.checkpoints / "next_item" / "2026-11-02-bb" / "deeper" / "state", 1)
    write(home.tensorboard / "next_item" / "2026-11-01-aa" / "events", 6)
    write(home.tensorboard / "response" / "2026-10-01-aa" / "events", 21)
    write(home.tuning / "next_item.db", 500)
    assert clean(home) == [("checkpoints", "2026-11-01-aa"), ("tensorboard", "2026-10-01-aa")]
    assert [folder.name for folder in (home.checkpoints / "next_item").iterdir()] == ["2026-11-02-bb"]
    assert not (home.tensorboard / "response").exists()
    assert (home.tuning / "next_item.db").exists()


def test_reports_go_by_their_day_whenever_they_were_written(home):
    for ds in ("2026-10-20", "2026-10-21"):
        write(home.reports / ds / "map.json", 0)
        write(home.reports / f"nightly-{ds}.json", 900)
        write(home.pages / f"nightly-{ds}.html", 900)
    write(home.reports / "mine.json", 900)
    write(home.pages / "index.html", 900)
    clean(home)
    assert {path.name for path in home.pages.iterdir()} == {"nightly-2026-10-21.html", "index.html"}
    assert {path.name for path in home.reports.iterdir()} == {"2026-10-21", "nightly-2026-10-21.json", "mine.json"}


def test_a_day_that_waits_goes_with_its_profiles_and_not_before(home):
    profiles, lake = PublishedDays.of(home, "profiles"), Lake(home.lake)
    for ds in ("2026-11-01", "2026-11-02", "2026-11-03", "2026-11-19"):
        profiles.publish(ds)
    for ds in ("2026-11-01", "2026-11-02"):
        file = lake.staging("test") / "part-0.parquet"
        file.touch()
        lake.publish("dim_person_consent", ds, {file.name: file})
    clean(home, expired_marts=["2026-11-02"])
    assert profiles.waiting() == ["2026-11-01", "2026-11-19"]
