"""Tasks of `make nightly` run beside each other in Airflow; one that fails fails its run and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from contracts.settings import REPOSITORY

DAG = """
import time
from pathlib import Path
from airflow.sdk import dag, task

@dag(schedule=None)
def two_at_once():
    @task
    def meet(own: str, other: str) -> str:
        Path("{folder}", own).touch()
        latest = time.monotonic() + 60
        while not Path("{folder}", other).exists():
            assert time.monotonic() < latest, "nobody came"
            time.sleep(0.1)
        print("nightshift | met", other)
        return own

    @task
    def go_on(names: list[str]) -> None:
        assert sorted(names) == ["a", "b"]
        Path("{folder}", "done").touch()

    @task
    def fail() -> None:
        raise ValueError("on purpose")

    go_on([meet("a", "b"), meet("b", "a")])
    fail()

two_at_once()
"""


@pytest.mark.long
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="needs two cores")
def test_tasks_meet_and_a_failure_is_the_runs(tmp_path):
    dags, folder = tmp_path / "dags", tmp_path / "met"
    dags.mkdir()
    folder.mkdir()
    (dags / "two_at_once.py").write_text(DAG.replace("{folder}", str(folder)))
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db",
    }

    def run(*command: str) -> subprocess.CompletedProcess:
        return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=300)

    migrated = run("airflow", "db", "migrate")
    assert migrated.returncode == 0, migrated.stderr
    done = run(sys.executable, "-m", "ops.dag_runs", "--ds", "2026-11-19", "two_at_once")
    assert done.returncode != 0
    assert (folder / "done").exists(), done.stdout + done.stderr
    assert "nightshift | met a" in done.stdout
    assert "on purpose" in done.stdout
