"""How a benchmark runs the commands of a night on a home of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from contracts.errors import LakeError
from contracts.home import Home
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.settings import REPOSITORY, Settings
from ops.usage import Usage

COMMANDS = {
    "resolve": ("python", "-m", "spark_jobs.main", "resolve"),
    "profile": ("python", "-m", "dbt_project.build"),
    "score": ("python", "-m", "serving.score"),
    "neighbours": ("python", "-m", "serving.neighbours"),
    "measure": ("python", "-m", "activation.measure"),
    "plan": ("python", "-m", "activation.plan"),
    "export": ("python", "-m", "activation.export"),
}
"""Steps of a night, each without its day."""


def new_home(home: Path) -> Settings:
    """The settings of a home that is made anew, with keys of its own."""
    shutil.rmtree(home, ignore_errors=True)
    settings = Settings.from_env({"NIGHTSHIFT_HOME": str(home)})
    pseudonym_keys(settings)
    return settings


def command_of(step: str, ds: str) -> list[str]:
    """The command of a step of `COMMANDS` for a day."""
    return [*COMMANDS[step], "--ds", ds]


def run_step(command: Sequence[str], home: Path, settings: Mapping[str, str], *, reads: bool = False) -> str:
    """Run a command on a home; what it printed if it is read, else nothing: that goes to stderr.

    Args:
        settings: further variables of the environment.

    Raises:
        LakeError: its exit status is not 0.
    """
    environment = ["env", f"NIGHTSHIFT_HOME={home}", *(f"{name}={value}" for name, value in settings.items())]
    done = subprocess.run(
        [*environment, *command], cwd=REPOSITORY, stdout=subprocess.PIPE if reads else sys.stderr, check=False
    )
    if done.returncode:
        raise LakeError(
            expected=f"`{' '.join(command)}` to end well",
            received=f"exit status {done.returncode}",
            remedy="its output says why",
        )
    return done.stdout.decode() if reads else ""


def measured(
    command: Sequence[str], home: Path, settings: Mapping[str, str] | None = None, *, reads: bool = False
) -> dict[str, Any]:
    """Run a command below a home; seconds, CPU seconds, peak memory, bytes it left, and the rows that it printed.

    Args:
        settings: further variables of the environment.
    """
    bytes_before, started = _bytes(home), time.monotonic()
    with Usage(Home(home)) as usage:
        printed = run_step(command, home, {"NIGHTSHIFT_RAW": str(home / "raw"), **(settings or {})}, reads=reads)
    return {
        "seconds": round(time.monotonic() - started, 1),
        "cpu_seconds": round(usage.cpu_seconds, 1),
        "peak_memory_gib": round(usage.peak_bytes / (1 << 30), 2),
        "bytes_left": _bytes(home) - bytes_before,
        **({"rows": json.loads(printed)} if reads else {}),
    }


def rows_of(lake: Lake, ds: str) -> dict[str, int]:
    """Rows of the partitions of a day, by table."""
    tables = {folder.name for folder in lake.root.iterdir() if lake.files(folder.name, ds)}
    with duckdb.connect() as database:
        return {
            table: database.execute(
                "select count(*) from read_parquet(?)", [[str(file) for file in lake.files(table, ds)]]
            ).fetchone()[0]
            for table in sorted(tables)
        }


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
