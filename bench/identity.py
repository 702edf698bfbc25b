"""How long `resolve` takes on a large graph with one hot identifier: from all edges, and from a night's edges alone.

DuckDB writes the lake (`bench/lake_of_edges.py`): all arrives on the first day but `--night` edges, new identifiers and
links between old ones, which arrive on the second. The first day is resolved, then the second twice: going on from the
first, and from scratch. Both must give the same persons and links. Seconds are those of the whole command, the start of
Spark and the writing of the tables included; memory is the largest of its processes.

    python -m bench.identity --edges 5000000 --hub 100000
"""

from __future__ import annotations

import argparse
import resource
import shutil
import time
from pathlib import Path
from typing import Any

from bench import result
from bench.lake_of_edges import DAYS, LakeOfEdges
from bench.steps import run_step
from contracts.entry_point import exit_with_sentence
from contracts.errors import LakeError
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.settings import Settings

SPARK = {
    "spark.sql.shuffle.partitions": "16",
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC -XX:ReservedCodeCacheSize=240m -Xss4m",
}
"""For a long job: the settings that come with Nightshift are for short ones, with a compiler that starts fast."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.identity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--edges", type=int, default=5_000_000, help="edges of the first day (default %(default)s)")
    parser.add_argument("--hub", type=int, default=100_000, help="those of the hot identifier (default %(default)s)")
    parser.add_argument("--night", type=int, default=50_000, help="edges of the second day (default %(default)s)")
    parser.add_argument("--memory", default="6g", help="memory of Spark's driver (default %(default)s)")
    parser.add_argument("--cores", type=int, default=2)
    chosen = parser.parse_args()
    exit_with_sentence(lambda: bench(**vars(chosen)))


def bench(edges: int, hub: int, night: int, memory: str, cores: int) -> dict[str, Any]:
    """Run the three, write and return the line.

    Raises:
        LakeError: a run failed, or the two ways do not agree.
    """
    home = Settings.from_env().home.bench / "identity"
    shutil.rmtree(home, ignore_errors=True)
    pseudonym_keys(Settings.from_env({"NIGHTSHIFT_HOME": str(home)}))
    lake_of_edges = LakeOfEdges(Lake(home / "lake"), edges, hub, night)
    lake_of_edges.deliver_first_day()
    lake_of_edges.deliver_next_day()
    run = {"memory": memory, "cores": cores}
    seconds = {"from_scratch": _resolve(home, DAYS[0], **run), "next_night": _resolve(home, DAYS[1], **run)}
    further = lake_of_edges.contents()
    seconds["next_night_from_scratch"] = _resolve(home, DAYS[1], "--from-scratch", **run)
    if lake_of_edges.contents() != further:
        raise LakeError(
            expected="the same persons and links from the night's edges as from all",
            received="others",
            remedy=f"compare persons and identity_edges_known in {home / 'lake'}",
        )
    rows, persons = further["persons"][:2]
    line = {
        "bench": "identity",
        "edges": edges,
        "hub": hub,
        "night_edges": night,
        "identifiers": rows,
        "persons": persons,
        "seconds": seconds,
        "cores": cores,
        "driver_memory": memory,
        "spark": SPARK,
        "peak_memory_gib": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1 << 20), 2),
        "equal": True,
    }
    result.write(line)
    shutil.rmtree(home)
    return line


def _resolve(home: Path, ds: str, *arguments: str, memory: str, cores: int) -> float:
    """Seconds of one `resolve`."""
    started = time.monotonic()
    settings = [word for name, value in SPARK.items() for word in ("--conf", f"{name}={value}")]
    command = ["spark-submit", "--driver-memory", memory, *settings, "spark_jobs/main.py", "resolve", "--ds", ds]
    run_step([*command, *arguments], home, {"NIGHTSHIFT_SPARK_MASTER": f"local[{cores}]"})
    return round(time.monotonic() - started, 1)


if __name__ == "__main__":
    main()
