"""How long a night takes on the stack, and what it needs, for towns of several sizes: the table in docs/deploy.md.

    python -m tests.compose.measure --people 250 1000 4000

For each size the stack is started anew on a town of so many people, has one night, and is removed; a JSON line is
printed and kept in bench/results/stack.jsonl. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import datetime
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from bench.result import write
from tests.compose.running import DAGS, RunningStack, docker, started

DS = "2026-11-19"
PROJECT, PORT = "nightshift-measure", 28443
HOURS = 3
STAGES = {
    "map": r"map",
    "resolve": r"resolve",
    "profile": r"profile",
    "train": r"learn\.train",
    "promote": r"promote",
    "score": r"score|activate",
}
"""Stage -> the tasks that are it."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.compose.measure",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--people", type=int, nargs="+", default=[250, 1000, 4000], help="sizes (%(default)s)")
    parser.add_argument("--stack", choices=["full", "core"], default="full", help="with or without a Spark cluster")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that the stack goes, too
    for people in arguments.people:
        with tempfile.TemporaryDirectory() as home:
            write(measured(Path(home), people, arguments.stack))


def measured(home: Path, people: int, kind: str) -> dict[str, Any]:
    """Rows, seconds of each stage, peak memory of all containers and disk of a night."""
    lay_town(home, people)
    with started(home, PROJECT, PORT, STACK=kind) as stack, PeakOfContainers(stack) as memory:
        stack.start_night(DS)
        tasks = []
        for dag in DAGS:
            run = stack.wait_for_run(dag, seconds=HOURS * 3600)
            tasks += stack.tasks(dag, run["dag_run_id"])
        report = stack.report(DS)
        kilobytes = stack.inside("worker", "du", "-sk", "/srv/nightshift").split()[0]
    return {
        "bench": "stack",
        "stack": kind,
        "cores": os.cpu_count(),
        "people": people,
        "rows": sum(source["read"] for source in report["sources"].values()),
        "seconds": {stage: seconds(tasks, pattern) for stage, pattern in STAGES.items()},
        "peak_memory_gib": round(memory.peak_gib, 1),
        "disk_gib": round(int(kilobytes) / 2**20, 2),
    }


def lay_town(home: Path, people: int) -> None:
    environ = os.environ | {"NIGHTSHIFT_HOME": str(home), "NIGHTSHIFT_RAW": str(home / "raw")}
    subprocess.run([sys.executable, "-m", "sample_data.town", "--people", str(people)], env=environ, check=True)
    for folder in (home, *(home / "raw").rglob("*")):  # containers run under a user of their own where root starts them
        folder.chmod(folder.stat().st_mode | 0o055)


def seconds(tasks: list[dict[str, Any]], pattern: str) -> int:
    """From the start of the first to the end of the last of some tasks."""
    ran = [task for task in tasks if re.fullmatch(pattern, task["task_id"]) and task["end_date"]]
    first, last = min(_time(task["start_date"]) for task in ran), max(_time(task["end_date"]) for task in ran)
    return round((last - first).total_seconds())


def _time(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class PeakOfContainers:
    """The most memory that all containers of a stack held at one time, while it is entered."""

    def __init__(self, stack: RunningStack) -> None:
        self.peak_gib = 0.0
        self._stack = stack
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakOfContainers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(10):
            lines = docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", check=False).splitlines()
            own = [line.split()[1] for line in lines if line.startswith(self._stack.project)]
            self.peak_gib = max(self.peak_gib, sum(map(_gib, own)))


def _gib(text: str) -> float:
    """`512.3MiB` in GiB."""
    number, unit = re.fullmatch(r"([\d.]+)([A-Za-z]+)", text).groups()
    return float(number) * {"B": 2**-30, "KiB": 2**-20, "MiB": 2**-10, "GiB": 1.0}[unit]


if __name__ == "__main__":
    main()
