"""Settings from an environment that the test writes, and the key of the pseudonyms."""

from __future__ import annotations

import multiprocessing
import os
import stat
import subprocess
from pathlib import Path

import pytest

from contracts.errors import SettingsError
from contracts.keys import pseudonym_keys
from contracts.lineage import lineage_transport
from contracts.memory import memory_of
from contracts.settings import REPOSITORY, Settings, duckdb_config


def settings_in(home: Path, **env: str) -> Settings:
    return Settings.from_env({"NIGHTSHIFT_HOME": str(home), **env})


def lines_after_env_sh(script: str, folder: Path, environment: dict[str, str]) -> list[str]:
    """What a script writes in a shell that has sourced ops/env.sh, and that nothing else has told anything."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f". {REPOSITORY}/ops/env.sh; {script}"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()


def test_everything_has_a_default_on_one_machine():
    settings = Settings.from_env({})
    home = REPOSITORY / "var"
    assert (settings.home.root, settings.raw, settings.home.lake) == (home, home / "raw", home / "lake")
    assert settings.registry_uri == f"sqlite:///{home}/mlflow.db"
    assert (settings.spark_master, settings.component_limit) == ("local[*]", None)
    assert settings.memory == memory_of(None)
    assert settings.identity_rules == REPOSITORY / "spark_jobs" / "identity" / "rules.yml"
    assert (settings.dbt_target, settings.thrift_host, settings.thrift_port) == ("duckdb", "127.0.0.1", 10000)
    assert settings.smallest_group == 20


def test_every_setting_can_be_changed_and_an_empty_one_is_none(tmp_path):
    settings = settings_in(
        tmp_path,
        NIGHTSHIFT_RAW=str(tmp_path / "in"),
        NIGHTSHIFT_CAMPAIGNS=str(tmp_path / "campaigns"),
        NIGHTSHIFT_PSEUDONYM_KEY_FILE=str(tmp_path / "key"),
        NIGHTSHIFT_REGISTRY_URI="http://mlflow:5000",
        NIGHTSHIFT_SPARK_MASTER="spark://one:7077",
        NIGHTSHIFT_MEMORY="6g",
        NIGHTSHIFT_SPARK_DRIVER_MEMORY="",
        NIGHTSHIFT_COMPONENT_LIMIT="7",
        NIGHTSHIFT_IDENTITY_RULES=str(tmp_path / "rules.yml"),
        NIGHTSHIFT_RETENTION=str(tmp_path / "retention.yml"),
        NIGHTSHIFT_DBT_TARGET="spark",
        NIGHTSHIFT_THRIFT_SERVER="thrift:10017",
    )
    assert settings.home.root == tmp_path
    assert (settings.raw, settings.campaigns) == (tmp_path / "in", tmp_path / "campaigns")
    assert settings.pseudonym_key_file == tmp_path / "key"
    assert (settings.registry_uri, settings.spark_master) == ("http://mlflow:5000", "spark://one:7077")
    assert (settings.memory, settings.spark_driver_memory, settings.component_limit) == (6 << 30, "2048m", 7)
    assert settings.identity_rules == tmp_path / "rules.yml"
    assert settings.retention == tmp_path / "retention.yml"
    assert (settings.dbt_target, settings.thrift_host, settings.thrift_port) == ("spark", "thrift", 10017)


@pytest.mark.parametrize(
    "master", ["local", "local[2]", "local[*, 3]", "local-cluster[2,1,1024]", "spark://one:7077,two:7077", "yarn"]
)
def test_masters_of_spark_are_let_through(tmp_path, master):
    assert settings_in(tmp_path, NIGHTSHIFT_SPARK_MASTER=master).spark_master == master


@pytest.mark.parametrize("master", ["nonsense", "local[]", "local[0]", "local[two]", "spark://one", "http://one:7077"])
def test_what_is_no_master_of_spark_is_refused(tmp_path, master):
    with pytest.raises(SettingsError, match=r"local\[\*\].* in NIGHTSHIFT_SPARK_MASTER"):
        settings_in(tmp_path, NIGHTSHIFT_SPARK_MASTER=master)


def test_a_home_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "home").write_text("")
    with pytest.raises(SettingsError, match="a folder in NIGHTSHIFT_HOME"):
        settings_in(tmp_path / "home")


def test_everything_that_a_run_writes_is_below_home(tmp_path):
    settings = settings_in(tmp_path)
    places = (
        settings.home.lake,
        settings.home.warehouse,
        settings.home.artifacts,
        settings.home.audiences,
        settings.home.reports,
    )
    places += (settings.home.spark_warehouse,)
    assert {place.parent for place in places} == {tmp_path}
    assert list(tmp_path.iterdir()) == [], "reading settings makes nothing"


@pytest.mark.parametrize("text", ["0", "-3", "many", "2.5", " "])
def test_a_number_that_is_none_is_an_error_that_names_the_setting(tmp_path, text):
    with pytest.raises(SettingsError, match="NIGHTSHIFT_COMPONENT_LIMIT") as error:
        settings_in(tmp_path, NIGHTSHIFT_COMPONENT_LIMIT=text)
    assert repr(text) in str(error.value)


def test_an_engine_that_is_none_is_an_error_that_names_the_setting(tmp_path):
    with pytest.raises(SettingsError, match="expected duckdb or spark in NIGHTSHIFT_DBT_TARGET, but received 'oracle'"):
        settings_in(tmp_path, NIGHTSHIFT_DBT_TARGET="oracle")


@pytest.mark.parametrize("text", ["thrift", "thrift:", ":10000", "thrift:0", "thrift:65536", "thrift:ten"])
def test_an_address_that_is_none_is_an_error_that_names_the_setting(tmp_path, text):
    with pytest.raises(SettingsError, match="<host>:<port> in NIGHTSHIFT_THRIFT_SERVER"):
        settings_in(tmp_path, NIGHTSHIFT_THRIFT_SERVER=text)


def test_the_key_is_made_once_for_its_owner_alone(tmp_path):
    settings = settings_in(tmp_path)
    [key] = pseudonym_keys(settings)
    assert len(key) == 32
    file = tmp_path / "secrets" / "pseudonym.key"
    assert file.read_text() == f"{key.hex()}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert pseudonym_keys(settings) == (key,)
    assert pseudonym_keys(settings_in(tmp_path)) == (key,)
    assert [path.name for path in file.parent.iterdir()] == ["pseudonym.key"]


def test_two_homes_have_two_keys(tmp_path):
    assert pseudonym_keys(settings_in(tmp_path / "a")) != pseudonym_keys(settings_in(tmp_path / "b"))


def _make_key(home, start, keys) -> None:
    settings = settings_in(home)
    start.wait(30)
    keys.put(pseudonym_keys(settings))


def test_processes_that_start_at_once_get_the_same_key(tmp_path):
    context = multiprocessing.get_context("spawn")
    start, keys = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_make_key, args=(tmp_path, start, keys)) for _ in range(4)]
    for process in processes:
        process.start()
    made = {keys.get(timeout=30) for _ in processes}
    for process in processes:
        process.join(10)
    assert len(made) == 1


def test_a_key_file_that_was_named_is_never_made(tmp_path):
    settings = settings_in(tmp_path, NIGHTSHIFT_PSEUDONYM_KEY_FILE=str(tmp_path / "vault" / "key"))
    with pytest.raises(SettingsError, match="no such file"):
        pseudonym_keys(settings)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "ab" * 31, "ab" * 33, "zz" * 32, "ab" * 31 + "a"])
def test_a_key_of_another_length_or_alphabet_is_an_error_that_does_not_show_it(tmp_path, text):
    file = tmp_path / "key"
    file.write_text(text)
    with pytest.raises(SettingsError, match="64 hex digits") as error:
        pseudonym_keys(settings_in(tmp_path, NIGHTSHIFT_PSEUDONYM_KEY_FILE=str(file)))
    assert "restore the key" in str(error.value)
    assert not text or text not in str(error.value)
    assert file.read_text() == text


def test_a_key_may_be_written_in_capitals_and_with_a_line_end(tmp_path):
    file = tmp_path / "key"
    file.write_text("AB" * 32 + "\n")
    assert pseudonym_keys(settings_in(tmp_path, NIGHTSHIFT_PSEUDONYM_KEY_FILE=str(file))) == (b"\xab" * 32,)


def test_a_rotation_leaves_the_older_keys_before_the_newer_one(tmp_path):
    file = tmp_path / "key"
    file.write_text("ab" * 32 + "\n" + "cd" * 32 + "\n")
    keys = pseudonym_keys(settings_in(tmp_path, NIGHTSHIFT_PSEUDONYM_KEY_FILE=str(file)))
    assert keys == (b"\xab" * 32, b"\xcd" * 32)


def test_approval_alerts_and_lineage_can_be_set(tmp_path):
    plain = settings_in(tmp_path)
    assert (plain.approval, plain.approval_hours, plain.approvers, plain.lineage) == ("auto", 6, (), "off")
    assert plain.registry_page == "http://127.0.0.1:5000"
    changed = settings_in(
        tmp_path,
        NIGHTSHIFT_APPROVAL="ask",
        NIGHTSHIFT_APPROVERS="3, 4,",
        NIGHTSHIFT_DEADLINE_HOURS="2",
        NIGHTSHIFT_RETRAIN_MINUTES="30",
        NIGHTSHIFT_REGISTRY_URI="https://models",
    )
    assert (changed.approval, changed.approvers, changed.deadline_hours) == ("ask", ("3", "4"), 2)
    assert changed.registry_page == "https://models"
    assert (plain.retrain_minutes, changed.retrain_minutes, plain.retrain_rest_days) == (0, 30, 14)
    assert settings_in(tmp_path, NIGHTSHIFT_REGISTRY_PAGE="https://a/").registry_page == "https://a/"


def test_lineage_goes_nowhere_to_a_file_or_to_an_address(tmp_path):
    assert lineage_transport(settings_in(tmp_path), "spark") is None
    assert list(tmp_path.iterdir()) == []
    to_file = lineage_transport(settings_in(tmp_path, NIGHTSHIFT_LINEAGE="file"), "spark")
    assert to_file["log_file_path"] == str(tmp_path / "lineage" / "spark.jsonl")
    to_server = lineage_transport(settings_in(tmp_path, NIGHTSHIFT_LINEAGE="https://lineage"), "spark")
    assert to_server == {"type": "http", "url": "https://lineage"}


@pytest.mark.parametrize(("name", "text"), [("NIGHTSHIFT_APPROVAL", "yes"), ("NIGHTSHIFT_LINEAGE", "on")])
def test_a_choice_that_is_none_is_an_error_that_names_the_setting(tmp_path, name, text):
    with pytest.raises(SettingsError, match=f"in {name}, but received '{text}'"):
        settings_in(tmp_path, **{name: text})


def test_relative_paths_are_those_of_who_sets_them_wherever_a_task_runs(tmp_path):
    """A task runs in the repository's folder, a test of Airflow in another: both have to mean the same lake."""
    relative = {
        "NIGHTSHIFT_HOME": "lake-rel",
        "NIGHTSHIFT_RAW": "../in",
        "NIGHTSHIFT_CAMPAIGNS": "campaigns of ours",
        "NIGHTSHIFT_PSEUDONYM_KEY_FILE": "key",
        "NIGHTSHIFT_IDENTITY_RULES": "./rules.yml",
        "NIGHTSHIFT_RETENTION": "retention.yml",
        "NIGHTSHIFT_REGISTRY_URI": "sqlite:///models.db",
    }
    here = tmp_path / "work"
    here.mkdir()
    names = [*relative, "AIRFLOW_HOME", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    show = "cd /; printf '%s\\n' " + " ".join(f'"${name}"' for name in names)
    assert lines_after_env_sh(show, here, relative) == [
        f"{here}/lake-rel",
        f"{tmp_path}/in",
        f"{here}/campaigns of ours",
        f"{here}/key",
        f"{here}/rules.yml",
        f"{here}/retention.yml",
        f"sqlite:///{here}/models.db",
        f"{here}/lake-rel/airflow",
        f"sqlite:///{here}/lake-rel/airflow/airflow.db",
    ]


def test_the_registry_of_a_relative_path_is_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert settings_in(tmp_path, NIGHTSHIFT_REGISTRY_URI="sqlite:///a.db").registry_uri == f"sqlite:///{tmp_path}/a.db"
    for address in ("sqlite:////b/a.db", "https://models"):
        assert settings_in(tmp_path, NIGHTSHIFT_REGISTRY_URI=address).registry_uri == address


@pytest.mark.parametrize("stated", [{}, {"PYTHONDONTWRITEBYTECODE": "1"}])
def test_what_python_compiled_is_kept_even_where_it_may_not_stand_beside_the_sources(stated):
    """Containers often state so; to compile what TensorFlow imports takes every command eight seconds more."""
    show = "import sys; print(sys.dont_write_bytecode, sys.pycache_prefix)"
    [answer] = lines_after_env_sh(f"python -c '{show}'", REPOSITORY, stated)
    assert answer == f"False {REPOSITORY / '.venv' / 'bytecode' if stated else None}"


def test_duckdb_keeps_to_a_third_of_the_memory_and_spills_below_home(tmp_path):
    config = duckdb_config({"NIGHTSHIFT_HOME": str(tmp_path), "NIGHTSHIFT_MEMORY": "6g", "NIGHTSHIFT_APPROVAL": "odd"})
    assert config == {"memory_limit": "2048MiB", "temp_directory": str(tmp_path / "spill")}
    with pytest.raises(SettingsError, match="NIGHTSHIFT_MEMORY"):
        duckdb_config({"NIGHTSHIFT_MEMORY": "1g"})
