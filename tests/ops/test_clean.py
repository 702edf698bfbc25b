"""`python -m ops.clean`: a lake stays as large as it is, and trouble with one file is said and ends nothing."""

from __future__ import annotations

import datetime
import json
import shutil
import sqlite3
import subprocess
import sys

import pytest

from contracts.cleaning import ModelsCleaned, Removed, bytes_freed
from contracts.errors import BusyError, SettingsError
from contracts.lake import Lake
from contracts.settings import REPOSITORY, Settings
from contracts.verdicts import Verdict, Verdicts
from ops.clean import clean, clean_home, in_words

FIRST = datetime.date(2026, 1, 1)
MARTS = ("dim_person_consent", "dim_person_profile", "training_sequences")
FACTS = ("fct_interactions", "daily_event_ids")
RETENTION = """
tables: {events: 28, fct_interactions: 28, daily_event_ids: 28, persons: 5, marts: 5, scores: 10}
"""


def settings_of(home, retention: str = RETENTION) -> Settings:
    home.mkdir(exist_ok=True)
    (home / "retention.yml").write_text(retention)
    return Settings.from_env({"NIGHTSHIFT_HOME": str(home), "NIGHTSHIFT_RETENTION": str(home / "retention.yml")})


def ds_of(night: int) -> str:
    return (FIRST + datetime.timedelta(days=night)).isoformat()


def publish(lake: Lake, table: str, ds: str, size: int = 100) -> int:
    file = lake.staging("test") / "part-0.parquet"
    file.write_bytes(bytes(size))
    lake.publish(table, ds, {file.name: file})
    return size


def size_of(settings: Settings) -> int:
    return bytes_freed([settings.home.lake])


def a_night(settings: Settings, night: int) -> int:
    """What a night writes of a steady feed: acts of a day, and tables of all acts that there are; returns its bytes."""
    lake, ds = Lake(settings.home.lake), ds_of(night)
    written = publish(lake, "events", ds, 10_000) + publish(lake, "consents", ds)
    publish(lake, "reconciliation", ds)
    written += sum(publish(lake, table, ds, 2_000) for table in FACTS)
    publish(lake, "persons", ds, 20_000)
    written += publish(lake, "persons", ds, 20_000)  # the task was tried again
    written += sum(publish(lake, mart, ds, 1000 * len(lake.days("events"))) for mart in MARTS)
    return written + publish(lake, "scores", ds, 30_000)


def test_a_lake_is_as_large_after_sixty_nights_as_after_thirty(tmp_path, capsys):
    settings, sizes, written = settings_of(tmp_path / "home"), {}, 0
    begun = datetime.datetime.now(datetime.UTC)
    for night in range(1, 61):
        written += a_night(settings, night)
        clean_home(settings, ds_of(night), dry_run=False, moment=begun + datetime.timedelta(days=night))
        sizes[night] = size_of(settings)
    capsys.readouterr()
    print(f"lake after 30 nights {sizes[30]:,} bytes, after 60 {sizes[60]:,}; written {written:,}")
    assert sizes[60] <= 1.1 * sizes[30]
    assert written > 4 * sizes[60], "without cleaning it would be this large"
    lake = Lake(settings.home.lake)
    assert [len(lake.days(table)) for table in ("events", "persons", "scores", *MARTS)] == [28, 10, 10, 5, 5, 5]
    assert [len(lake.days(table)) for table in FACTS] == [28, 28]
    assert len(lake.days("consents")) == len(lake.days("reconciliation")) == 60


@pytest.fixture
def old(tmp_path):
    """A home with marts and logs of twenty nights."""
    settings = settings_of(tmp_path / "home", "tables: {marts: 5}\nlogs: 10\naudiences: 5\n")
    lake = Lake(settings.home.lake)
    for night in range(20):
        publish(lake, "dim_person_consent", ds_of(night))
    settings.home.logs.mkdir()
    (settings.home.logs / "nightly.log").write_text("words")
    return settings


LATER = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=100)


def test_a_dry_run_shows_what_would_go_and_removes_nothing(old, capsys):
    before = sorted(old.home.root.rglob("*"))
    cleaned = clean_home(old, None, dry_run=True, moment=LATER)
    assert sorted(old.home.root.rglob("*")) == before
    assert [(one.kind, one.what, one.count, one.bytes, one.oldest) for one in cleaned.removed] == [
        ("lake", "marts", 15, 1500, ds_of(0)),
        ("logs", "logs", 1, 5, "nightly.log"),
    ]
    output = capsys.readouterr().out
    assert "older than 5 days" in output
    assert "1.5 KiB would be freed; nothing was removed (dry run)" in output
    done = clean_home(old, None, dry_run=False, moment=LATER)
    assert done.removed == cleaned.removed
    assert "1.5 KiB freed: lake 15, logs 1" in capsys.readouterr().out
    assert clean_home(old, None, dry_run=False, moment=LATER).removed == []
    fragment = json.loads((old.home.reports / ds_of(19) / "clean.json").read_text())
    assert fragment["clean"] == {"removed": {}, "bytes": 0, "not_removed": 0}
    assert fragment["seconds"]["clean"] < 5


def test_a_day_to_come_and_nights_that_failed_make_nothing_older(old):
    clean_home(old, "2099-01-01", dry_run=False, moment=LATER)
    assert Lake(old.home.lake).days("dim_person_consent") == [ds_of(night) for night in range(15, 20)]


def test_a_run_for_a_past_day_counts_from_that_day(old):
    clean_home(old, ds_of(10), dry_run=False, moment=LATER)
    assert Lake(old.home.lake).days("dim_person_consent") == [ds_of(night) for night in range(6, 20)]


def test_what_cannot_be_removed_is_said_and_counted_and_the_rest_goes_on(old, capsys, monkeypatch):
    stuck, remove = f"dim_person_consent/{ds_of(3)}", shutil.rmtree

    def refusing(path, *arguments, **options):
        if str(path).endswith(stuck):
            raise PermissionError(13, "Permission denied", str(path))
        remove(path, *arguments, **options)

    monkeypatch.setattr(shutil, "rmtree", refusing)
    cleaned = clean_home(old, None, dry_run=False, moment=LATER)
    assert [(one.kind, one.count, one.bytes) for one in cleaned.removed] == [("lake", 14, 1400), ("logs", 1, 5)]
    output = capsys.readouterr().out
    assert f"clean: lake marts {ds_of(3)} stays: Permission denied: " in output
    assert output.count("stays") == 1
    monkeypatch.undo()
    assert [one.count for one in clean_home(old, None, dry_run=False, moment=LATER).removed] == [1]
    assert not (old.home.lake / ".runs" / "dim_person_consent" / ds_of(3)).exists()


def test_what_cannot_be_looked_at_stays_and_the_rest_goes_on(old, capsys, monkeypatch):
    def refusing(*_):
        raise PermissionError(13, "Permission denied", "lake")

    monkeypatch.setattr("ops.cleaning.partitions.Partitions.removals", refusing)
    cleaned = clean_home(old, None, dry_run=False, moment=LATER)
    assert [one.kind for one in cleaned.removed] == ["logs"]
    assert "clean: lake stay, as they cannot be looked at: Permission denied: lake" in capsys.readouterr().out


def test_two_at_once_are_one(old):
    with Lake(old.home.lake).step("clean"), pytest.raises(BusyError, match="the only run of 'clean'"):
        clean_home(old, None, dry_run=False, moment=LATER)
    assert len(Lake(old.home.lake).days("dim_person_consent")) == 20


def test_while_profiles_are_built_no_day_of_what_they_read_goes(tmp_path, capsys):
    settings = settings_of(tmp_path / "home")
    for night in (0, 50, 60):
        a_night(settings, night)
    lake = Lake(settings.home.lake)
    with lake.lock("profile"):
        clean_home(settings, None, dry_run=False, moment=LATER)
    assert len(lake.days("events")) == len(lake.days("scores")) == 3
    assert lake.days("dim_person_profile") == [ds_of(60)]
    assert "days of tables stay until the next night" in capsys.readouterr().out
    clean_home(settings, None, dry_run=False, moment=LATER)
    assert lake.days("events") == [ds_of(50), ds_of(60)]


def test_marts_of_a_verdict_that_waits_for_a_person_stay(old):
    line = {"model": "response", "version": "3", "ds": ds_of(2), "previous_champion": "2"}
    Verdicts(old.home.approvals).record(Verdict(line, page=""))
    clean_home(old, None, dry_run=False, moment=LATER)
    assert Lake(old.home.lake).days("dim_person_consent") == [ds_of(2), *(ds_of(night) for night in range(15, 20))]


def test_what_was_published_before_a_table_of_training_stays_while_the_registry_was_not_asked(tmp_path):
    """A version may have learned from it, and whoever was in it may ask to be forgotten."""
    settings = settings_of(tmp_path / "home")
    lake, ds = Lake(settings.home.lake), ds_of(0)
    for table in ("dim_person_consent", "training_sequences", "scores"):
        publish(lake, table, ds)
        publish(lake, table, ds)
    (settings.home.root / "retention.yml").write_text("tables: {marts: 5}\nreplaced_runs: 1\n")
    with sqlite3.connect(settings.home.registry_database) as database:
        database.execute("create table runs (run_uuid text, start_time bigint)")

    def runs(table: str) -> int:
        return len(list((lake.root / ".runs" / table / ds).iterdir()))

    clean_home(settings, None, dry_run=False, moment=LATER)
    assert (runs("training_sequences"), runs("scores")) == (2, 1)
    settings.home.registry_database.unlink()
    clean_home(settings, None, dry_run=False, moment=LATER)
    assert runs("training_sequences") == 1


def test_a_verdict_that_cannot_be_read_lets_tables_of_models_stay(old, capsys):
    old.home.approvals.mkdir()
    (old.home.approvals / "response.json").write_text("{")
    assert [one.kind for one in clean_home(old, None, dry_run=False, moment=LATER).removed] == ["logs"]
    assert "may need stay: JSONDecodeError" in capsys.readouterr().out


def test_a_registry_that_does_not_answer_lets_tables_of_models_stay(old, capsys):
    settings = Settings.from_env(
        {
            "NIGHTSHIFT_HOME": str(old.home),
            "NIGHTSHIFT_RETENTION": str(old.retention),
            "NIGHTSHIFT_REGISTRY_URI": "http://127.0.0.1:9",
        }
    )

    def failing(*_, **__):
        return subprocess.CompletedProcess([], 75, "", "nightshift: error: expected an answer of the registry\n")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ops.clean.subprocess.run", failing)
        cleaned = clean_home(settings, None, dry_run=False, moment=LATER)
    assert [one.kind for one in cleaned.removed] == ["logs"]
    assert len(Lake(old.home.lake).days("dim_person_consent")) == 20
    assert "may need stay: expected training to clean its registry, but received expected an answer" in (
        capsys.readouterr().out
    )


def test_a_command_that_fails_says_so_among_the_steps_of_the_night(old, capsys, monkeypatch):
    old.retention.write_text("logs: 0\n")
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(old.home))
    monkeypatch.setenv("NIGHTSHIFT_RETENTION", str(old.retention))
    with pytest.raises(SettingsError):
        clean(None, dry_run=False)
    assert "nightshift | clean: failed: expected a whole number of at least 1 in line 1" in capsys.readouterr().out


def test_a_wrong_life_span_removes_nothing_and_a_home_has_to_be_there(old, tmp_path):
    old.retention.write_text("tables: {consents: 3}\n")
    with pytest.raises(SettingsError, match="line 1"):
        clean_home(old, None, dry_run=False, moment=LATER)
    assert len(Lake(old.home.lake).days("dim_person_consent")) == 20
    with pytest.raises(SettingsError, match="no such folder"):
        clean_home(Settings.from_env({"NIGHTSHIFT_HOME": str(tmp_path / "none")}), None, dry_run=True)


def test_files_with_links_elsewhere_free_nothing(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "whole").write_bytes(bytes(10))
    (tmp_path / "a" / "shared").write_bytes(bytes(1000))
    (tmp_path / "b" / "shared").hardlink_to(tmp_path / "a" / "shared")
    assert bytes_freed([tmp_path / "a"]) == 10
    assert bytes_freed([tmp_path / "a", tmp_path / "b"]) == 1010


def test_what_became_of_the_models_comes_back_as_it_was_written(tmp_path):
    written = ModelsCleaned(
        (Removed("models", "response", 2, 10, "2026-01-01", "old"),), ("one stays",), frozenset({("a", "b")})
    )
    written.write(tmp_path / "models.json")
    assert ModelsCleaned.read(tmp_path / "models.json") == written


def test_sizes_are_read_at_a_glance():
    assert [in_words(size) for size in (0, 1023, 1536, 5 * 2**30)] == ["0 bytes", "1,023 bytes", "1.5 KiB", "5.0 GiB"]


def test_the_command_starts_without_what_takes_long_to_import():
    code = (
        "import sys, ops.clean\n"
        "heavy = {'pyspark', 'tensorflow', 'keras', 'mlflow', 'duckdb', 'pandas', 'pyarrow'} & set(sys.modules)\n"
        "sys.exit(f'it imports {heavy}' if heavy else 0)"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-500:]
