"""What is wrong with a home is named, mended where that is safe, and a copy never writes into its original."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import subprocess
import sys

import pytest

from contracts.errors import BusyError, SettingsError
from contracts.keys import pseudonym_keys, remember
from contracts.lake import Lake
from contracts.registry_database import RegistryDatabase
from contracts.settings import REPOSITORY, Settings
from ops.doctor import doctor
from ops.nightly import require_own_lake
from training.registry.client import CHAMPION, Registry

DAY = "2026-11-19"


def settings_of(home) -> Settings:
    return Settings.from_env({"NIGHTSHIFT_HOME": str(home)})


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A home with a table, keys, and in the registry one run with a file and a version of it, the champion."""
    home = tmp_path_factory.mktemp("original") / "home"
    settings = settings_of(home)
    remember(settings.home.lake, pseudonym_keys(settings))
    lake = Lake(settings.home.lake)
    staged = lake.staging("map") / "part-0.parquet"
    staged.write_text("rows")
    lake.publish("events", DAY, {staged.name: staged})
    write_run(Registry.of(settings), "first")
    return home


def write_run(registry: Registry, text: str) -> None:
    client = registry.client
    found = client.get_experiment_by_name("response")
    location = (registry.artifacts / "response").as_uri()
    experiment = found.experiment_id if found else client.create_experiment("response", artifact_location=location)
    run = client.create_run(experiment)
    client.log_text(run.info.run_id, text, "card.html")
    client.set_terminated(run.info.run_id)
    if not client.search_registered_models():
        client.create_registered_model("response")
    version = client.create_model_version("response", run.info.artifact_uri, run.info.run_id)
    client.set_model_version_tag("response", version.version, "ds", DAY)
    client.set_registered_model_alias("response", CHAMPION, version.version)


def files_of(home) -> dict[str, str]:
    return {
        str(file.relative_to(home)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(home.rglob("*"))
        if file.is_file() and ".locks" not in file.parts
    }


@pytest.fixture
def copy(original, tmp_path):
    shutil.copytree(original, tmp_path / "a copy", symlinks=True)
    return tmp_path / "a copy"


def test_a_copy_reads_and_writes_its_own_files_and_the_original_stays(original, copy):
    before = files_of(original)
    registry = Registry.of(settings_of(copy))
    version = registry.aliased("response", CHAMPION)
    assert registry.run_file(version, "card.html").read_text() == "first"
    write_run(registry, "second")
    assert files_of(original) == before
    texts = {file.read_text() for file in (copy / "artifacts").rglob("card.html")}
    assert texts == {"first", "second"}
    with sqlite3.connect(copy / "mlflow.db") as database:
        for table in ("experiments", "runs", "model_versions", "logged_models"):
            assert f"{original}/" not in str(database.execute(f"select * from {table}").fetchall())


def test_a_home_whose_original_is_gone_works(original, tmp_path):
    shutil.copytree(original, tmp_path / "before", symlinks=True)
    Registry.of(settings_of(tmp_path / "before"))
    (tmp_path / "before").rename(tmp_path / "after")
    registry = Registry.of(settings_of(tmp_path / "after"))
    assert registry.run_file(registry.aliased("response", CHAMPION), "card.html").read_text() == "first"
    assert not (tmp_path / "before").exists()


def test_addresses_on_another_disk_stay(copy, tmp_path):
    """Where the files did not come along, the address is somebody's choice."""
    (copy / "artifacts" / "response").rename(tmp_path / "elsewhere")
    settings = settings_of(copy)
    database = RegistryDatabase.of(settings.registry_uri, settings.home.artifacts)
    assert database.stale_roots() == []
    assert database.move_addresses() == 0


def test_a_healthy_home_is_healthy(original, capsys):
    assert doctor(settings_of(original)) == 0
    assert capsys.readouterr().out == f"{original}: healthy\n"


def test_what_is_wrong_is_named_and_mended_where_it_is_safe(copy, capsys):
    settings = settings_of(copy)
    lake = settings.home.lake
    (lake / "events" / "ds=2026-11-18").symlink_to("../.runs/events/2026-11-18/gone")
    (lake / ".runs" / "events" / DAY / "99990101T000000000000").mkdir()
    left = lake / ".runs" / ".staging" / "score"
    left.mkdir(parents=True)
    (left / "scores.parquet").touch()
    settings.pseudonym_key_file.chmod(0o644)
    with sqlite3.connect(copy / "mlflow.db") as database:
        database.execute("insert into registered_model_aliases (name, alias, version) values ('response', 'old', 7)")
        database.execute("delete from model_version_tags")
    assert doctor(settings) == 1
    output = capsys.readouterr().out
    for words in (
        "addresses: MLflow names files below",
        "aliases: old of response is version 7, which was deleted",
        "ds=2026-11-18 leads to a folder that is gone",
        "99990101T000000000000 was never published",
        ".staging/score is left over",
        "pseudonym.key; chmod 600 it",
        "7 findings" if "disk" in output else "6 findings",
    ):
        assert words in output, words
    assert doctor(settings, mend=True) == 1
    output = capsys.readouterr().out
    assert output.count("; mended") == 6
    assert "versions: response/1 lacks the tag `ds`; train again" in output
    assert Lake(lake).days("events") == [DAY]
    assert doctor(settings) == 1, "what a person has to mend"
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_another_key_and_an_interrupted_rotation_are_named(copy, capsys):
    settings = settings_of(copy)
    RegistryDatabase.of(settings.registry_uri, settings.home.artifacts).move_addresses()
    settings.pseudonym_key_file.write_text("ab" * 32 + "\n")
    assert doctor(settings, mend=True) == 1
    assert "keys: expected the keys of the lake" in capsys.readouterr().out
    settings.home.rotation.write_text("{}")
    assert doctor(settings, mend=True) == 1
    assert "keys: a rotation was interrupted; end it: python -m privacy rotate-key" in capsys.readouterr().out


def test_nothing_is_mended_while_a_step_is_at_work(copy):
    settings = settings_of(copy)
    with Lake(settings.home.lake).among_others(), pytest.raises(BusyError, match="no step of a night at work"):
        doctor(settings, mend=True)


def test_no_home_is_a_sentence(tmp_path):
    with pytest.raises(SettingsError, match="no such folder"):
        doctor(settings_of(tmp_path / "none"))


def test_deliveries_below_a_home_come_along_with_it(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    (first / "raw").mkdir(parents=True)
    (first / ".made-of").write_text(str(first / "raw"))  # as earlier releases wrote it
    shutil.copytree(first, second)
    require_own_lake(settings_of(second))
    assert (second / ".made-of").read_text() == "raw"
    (tmp_path / "data" / "raw").mkdir(parents=True)
    (second / ".made-of").write_text(str(tmp_path / "data" / "raw"))
    with pytest.raises(SettingsError, match="one made from"):
        require_own_lake(settings_of(second))


def test_its_help_teaches():
    answer = subprocess.run(
        [sys.executable, "-m", "ops.doctor", "--help"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    for word in ("addresses", "aliases", "versions", "lake", "keys", "secrets", "disk", "--mend", "Exit status"):
        assert word in answer.stdout
