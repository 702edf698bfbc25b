"""A small town through the whole line, as `make nightly` runs it: Spark, dbt, TensorFlow and MLflow under Airflow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from contracts.home import PLACES
from contracts.lake import Lake
from contracts.settings import Settings
from contracts.tables import TABLES
from tests.homes import copied_home

REPOSITORY = Path(__file__).resolve().parent.parent
DAY = "2026-11-19"


def run(home: Path, *command: str, **extra: str) -> subprocess.CompletedProcess:
    """A command in the environment that the Makefile gives, with a lake of its own."""
    script = f". ops/env.sh && exec {' '.join(command)}"
    environment = {**os.environ, "NIGHTSHIFT_HOME": str(home), **extra}
    return subprocess.run(
        ["bash", "-c", script], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=900
    )


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """The settings of a lake after one night on a town of 500 people, and the night's report."""
    home = tmp_path_factory.mktemp("night")
    town = run(home, sys.executable, "-m sample_data.town --people 500 --days 10 --lines 3")
    assert town.returncode == 0, town.stderr
    answer = run(home, sys.executable, "-m ops.nightly")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    settings = Settings.from_env({"NIGHTSHIFT_HOME": str(home)})
    return settings, json.loads((settings.home.reports / f"nightly-{DAY}.json").read_text()), answer.stdout


def rows(settings: Settings, table: str) -> list[dict]:
    lake = Lake(settings.home.lake)
    return [row for file in lake.files(table, DAY) for row in parquet.ParquetFile(file).read().to_pylist()]


def test_every_row_is_accounted_for_and_every_planted_dirt_found(night):
    _, report, _ = night
    assert set(report["sources"]) == {"apache_combined", "catalogue", "mastodon", "qualtrics_csv"}
    for source, entry in report["sources"].items():
        accounted = entry["mapped"] + entry["quarantined"] + sum(entry["dropped"].values())
        assert entry["read"] == accounted > 0, source
    dirt = report["truth"]["dirt"]
    assert dirt["found"] == dirt["planted"]
    assert dirt["equal"]


def test_people_and_their_interests_are_found(night):
    _, report, _ = night
    assert report["truth"]["identity_f1"] >= 0.9
    assert report["truth"]["interest_recall@3"] >= 0.6  # a short month: little is known of most
    assert 0 < report["profiles"] <= report["persons"]


def test_the_model_is_trained_compared_and_judged(night):
    _, report, _ = night
    model = report["models"]["next_item"]
    assert model["decision"] in ("promoted", "refused")
    assert model["reasons"]
    assert model["metrics"]["ndcg@10"] > 1.5 * model["baselines"]["popularity"]["ndcg@10"]


def test_nobody_is_scored_or_exported_without_consent(night):
    settings, report, _ = night
    consents = {row["person_id"]: row for row in rows(settings, "dim_person_consent")}
    scored = {row["person_id"] for row in rows(settings, "scores")}
    assert scored
    assert all(consents[person]["consent_personalisation"] for person in scored)
    assert all(consents[row["person_id"]]["consent_profiling"] for row in rows(settings, "dim_person_profile"))
    assert all(consents[row["person_id"]]["consent_training"] for row in rows(settings, "training_sequences"))
    for name, entry in report["audiences"].items():
        assert entry["scored"] == entry["exported"] + sum(entry["suppressed"].values()) + entry["failed"], name
    for file in settings.home.audiences.glob(f"*/ds={DAY}/audience.parquet"):
        exported = parquet.ParquetFile(file).read().to_pylist()
        assert all(consents[row["person_id"]]["consent_personalisation"] for row in exported)
        assert not 0 < len(exported) < settings.smallest_group
    assert (settings.home.audiences / "front_page" / f"ds={DAY}" / "audience.csv").is_file()


def test_published_tables_keep_their_contracts(night):
    settings, report, _ = night
    lake = Lake(settings.home.lake)
    for name, table in TABLES.items():
        days = lake.days(name)
        if (
            name == "synthetic_responses"
            and report["models"]["interest_gan"]["synthetic_rows"]["admission"] == "refused"
        ):
            assert not days
            continue
        if name in ("identity_changes", "partner_scores"):
            assert not days, "on the first night nobody can have become another, nor has a partner scored anybody"
            continue
        if name in ("lift", "realised"):
            assert not days, "before the first night no lot was drawn, and nobody was scored"
            continue
        if name in ("audience_members", "deliveries"):
            assert not days, "nothing is delivered anywhere until a destination is configured"
            continue
        if name == "shadow_scores":
            assert not days, "no version is in shadow until somebody asks for it"
            continue
        if name == "exchange_rates":
            assert not days, "the town sells in euros alone"
            continue
        if name in ("sends", "impressions"):
            assert not days, "on the first night nothing was sent or shown yet"
            continue
        if name == "daily_events_set_aside":
            assert not days, "no row is of a release that knew other contracts"
            continue
        assert days, f"{name} was never published"
        for file in lake.files(name, days[-1]):
            assert parquet.read_schema(file).names == table.column_names, name


def test_the_run_shows_what_it_did(night):
    settings, report, shown = night
    assert f"nightly-{DAY}.json" in shown
    assert "planted dirt found exactly: yes" in shown
    steps = {
        "map",
        "resolve",
        "profile",
        "words",
        "clean",
        "train",
        "promote",
        "score",
        "neighbours",
        "measure",
        "plan",
        "activate",
        "store",
        "total",
    }
    assert steps <= set(report["seconds"])
    assert 0 < report["peak_memory_gib"] < 8
    assert (settings.home.logs / f"nightly-{DAY}.log").is_file()


def test_a_night_writes_nothing_but_the_places_of_home(night):
    settings, _, _ = night
    unknown = {found.name for found in settings.home.root.iterdir()} - {place.path for place in PLACES}
    assert not unknown, "name it in contracts/home.py: else an erasure, a rotation and a backup do not know of it"


def test_a_day_that_has_not_landed_is_refused_in_a_sentence(night):
    settings, _, _ = night
    answer = run(settings.home.root, sys.executable, "-m ops.nightly --ds 2026-12-24")
    assert answer.returncode == 2
    assert "expected a day that has landed" in answer.stderr
    assert DAY in answer.stderr


def test_two_nights_at_once_are_refused(night):
    settings, _, _ = night
    with Lake(settings.home.lake).lock("nightly"):
        answer = run(settings.home.root, sys.executable, "-m ops.nightly")
    assert answer.returncode == 75
    assert "the only run of 'nightly'" in answer.stderr


def test_no_name_stands_outside_raw(night):
    settings, _, _ = night
    answer = run(settings.home.root, sys.executable, "-m privacy scan")
    assert answer.returncode == 0, answer.stdout
    assert "found: 0" in answer.stdout


@pytest.mark.long
def test_a_person_who_asks_is_gone_from_everything(night, tmp_path):
    settings = Settings.from_env({"NIGHTSHIFT_HOME": str(copied_home(night[0].home.root, tmp_path / "home"))})
    learned = {row["person_id"] for row in rows(settings, "training_sequences")}
    scored = {row["person_id"] for row in rows(settings, "scores")}
    names: dict[str, list[str]] = {}
    for row in rows(settings, "persons"):
        names.setdefault(row["person_id"], []).append(row["identifier"])
    person = max(learned & scored, key=lambda one: (len(names[one]), one))
    answer = run(settings.home.root, sys.executable, f"-m privacy forget --subject {person} --enforce")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    [receipt] = [json.loads(file.read_text()) for file in settings.home.erasures.glob("*/receipt.json")]
    marked = {(one["model"], one["version"]) for one in receipt["models"]["found"]}
    assert ("next_item", "1") in marked
    assert not found_in(settings.home.root, [person, *names[person]])

    again = run(settings.home.root, sys.executable, f"-m privacy forget --subject {person} --enforce")
    assert again.returncode == 0
    assert "already forgotten" in again.stdout


def found_in(home: Path, names: list[str]) -> list[str]:
    """Files that hold one of the names, raw and unpacked, without the code that is tested."""
    found = []
    wanted = [name.encode() for name in names]
    for file in (one for one in home.rglob("*") if one.is_file() and not one.is_symlink()):
        content = file.read_bytes()
        if file.suffix == ".gz":
            content += zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content)  # of a truncated one what there is
        if file.suffix == ".parquet":
            content += str(parquet.ParquetFile(file).read().to_pydict()).encode()
        found += [str(file) for one in wanted if one in content]
    return found
