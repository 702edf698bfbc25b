"""Airflow on one machine: its database, and a DAG run for a day from the command line."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from contracts.errors import ERROR_MARK
from contracts.report import PROGRESS_MARK
from contracts.settings import Settings

DAG_MARK = "nightshift: dag "
"""Begins the line in which `ops.dag_runs` says which DAG runs now."""

_WORDS = r"(.*?)\s*(?:\[\w+(?:\.\w+)+\]\s*)?(?:(?:dag_id|loc)=\S+(?:\s+\w+=\S*)*)?\s*$"
"""A line of progress of a step, without the logger, task and place that Airflow's log puts behind it."""

_PROGRESS = re.compile(re.escape(PROGRESS_MARK) + _WORDS)
_ERROR = re.compile(re.escape(ERROR_MARK) + _WORDS)


def prepare_airflow(settings: Settings, log: Path) -> None:
    """Make Airflow's database and the pool of the GPU workers, once a lake."""
    home = settings.home.airflow
    ready = home / ".ready"
    if ready.exists():
        return
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True, mode=0o700)
    for command in (["db", "migrate"], ["pools", "set", "gpu", "1", "training, one at a time a machine"]):
        with log.open("ab") as stream:
            subprocess.run(["airflow", *command], check=True, stdout=stream, stderr=stream)
    ready.touch()


def run_dags(dags: Sequence[str], ds: str, log: Path, console: Console) -> str:
    """Run DAGs for the day in Airflow and show what their steps say.

    Returns:
        The DAG that failed and the sentence of its step, both shown; empty where all ended well.
    """
    command = [sys.executable, "-m", "ops.dag_runs", "--ds", ds, *dags]
    dag, error, shown = dags[0], None, set()
    with log.open("a") as stream, console.status(f"{dag} ...") as status:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        for line in process.stdout:
            stream.write(line)
            if line.startswith(DAG_MARK):
                dag = line.removeprefix(DAG_MARK).strip()
                status.update(f"{dag} ...")
            if (match := _PROGRESS.search(line)) and match[1] not in shown:
                shown.add(match[1])
                console.print(f"  {match[1]}", soft_wrap=True)
                status.update(f"{dag}: {match[1][:60]}")
            if match := _ERROR.search(line):
                error = match[1].strip()
        failed = process.wait() != 0
    if not failed:
        return ""
    console.print(f"[red]{dag} failed[/red]: {error or 'see the log'}\nlog: {log}")
    return f"{dag} failed: {error or 'its log says why'}"
