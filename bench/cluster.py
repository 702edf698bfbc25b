"""Where another Spark worker begins to pay: one day of a web log, mapped by clusters of one worker, two, ...

A master and workers of one core each (Spark's standalone cluster, with the configuration of `docker/spark`) run on this
machine; the driver shares its cores with them. For each size the log is mapped once by each cluster: each into a home
of its own, and all must give the same rows. Printed is a line each: seconds, CPU seconds, rows.

    python -m bench.cluster --lines 20000 200000 2000000 --workers 1 2
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyspark

from bench import result
from bench.night import DAY, SOURCE, deliver_log
from bench.steps import measured, new_home, rows_of
from contracts.entry_point import exit_with_sentence
from contracts.errors import LakeError, SettingsError
from contracts.lake import Lake
from contracts.settings import REPOSITORY, Settings

_CLASSES = {"master": "org.apache.spark.deploy.master.Master", "worker": "org.apache.spark.deploy.worker.Worker"}
_STARTS_SECONDS = 60
_OF_COMPOSE = ("spark.eventLog.", "spark.ui.", "spark.driver.bindAddress")
"""Options that name services of the stack; a bench needs none of them."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.cluster", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, nargs="+", default=[20_000, 200_000, 2_000_000], help="sizes of a log")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="clusters (default %(default)s)")
    chosen = parser.parse_args()
    exit_with_sentence(lambda: bench(chosen.lines, chosen.workers))


def bench(sizes: list[int], clusters: list[int]) -> None:
    """Map logs of these sizes by clusters of so many workers; a line of the results each.

    Raises:
        LakeError: a mapping failed, or clusters do not give the same rows.
        SettingsError: the cluster did not start.
    """
    home = Settings.from_env().home.bench / "cluster"
    shutil.rmtree(home, ignore_errors=True)
    for lines in sizes:
        raw = home / f"raw_{lines}"
        deliver_log(raw, people=max(100, lines // 20), lines=lines)
        by_cluster = {}
        for workers in clusters:
            with _cluster(home / "spark", workers) as settings:
                night = home / f"night_{workers}"
                lake = Lake(new_home(night).home.lake)
                command = ["python", "-m", "spark_jobs.main", "map", "--source", SOURCE, "--ds", DAY]
                found = measured(command, night, settings | {"NIGHTSHIFT_RAW": str(raw)})
                by_cluster[workers] = rows_of(lake, DAY)
            size = {"lines": lines, "workers": workers, "cores": os.cpu_count()}
            result.write({"bench": "cluster", "step": "map", **size, **found, "rows": by_cluster[workers]})
        if any(rows != by_cluster[clusters[0]] for rows in by_cluster.values()):
            raise LakeError(expected="the same rows from every cluster", received=str(by_cluster), remedy="report this")
    shutil.rmtree(home)


@contextlib.contextmanager
def _cluster(folder: Path, workers: int) -> Iterator[dict[str, str]]:
    """A cluster of workers with one core each; gives the variables with which a command finds it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    options = (REPOSITORY / "docker" / "spark" / "spark-defaults.conf").read_text().splitlines()
    (folder / "spark-defaults.conf").write_text(
        "\n".join([*(line for line in options if not line.startswith(_OF_COMPOSE)), "spark.driver.host 127.0.0.1"])
    )
    shutil.copy(REPOSITORY / "docker" / "spark" / "log4j2.properties", folder)
    started = []
    try:
        with (folder / "cluster.log").open("w") as log:
            # a port of 0 is any that is free; the log says which
            started.append(_start("master", log, "--host", "127.0.0.1", "--port", "0", "--webui-port", "0"))
            master = _address(folder / "cluster.log", started[0])
            for number in range(workers):
                place = ["--host", "127.0.0.1", "--webui-port", "0", "--work-dir", str(folder / f"worker_{number}")]
                started.append(_start("worker", log, *place, "--cores", "1", "--memory", "2g", master))
            yield {"NIGHTSHIFT_SPARK_MASTER": master, "SPARK_CONF_DIR": str(folder), "SPARK_LOCAL_IP": "127.0.0.1"}
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def _start(kind: str, log: object, *arguments: str) -> subprocess.Popen:
    spark = Path(pyspark.__path__[0])
    # without our configuration, as Spark's own log says which port the master has
    variables = ["env", "-u", "SPARK_CONF_DIR", f"SPARK_HOME={spark}", "SPARK_LOCAL_IP=127.0.0.1"]
    command = [*variables, str(spark / "bin" / "spark-class"), _CLASSES[kind], *arguments]
    return subprocess.Popen(command, stdout=log, stderr=log)


def _address(log: Path, master: subprocess.Popen) -> str:
    until = time.monotonic() + _STARTS_SECONDS
    while time.monotonic() < until and master.poll() is None:
        if found := re.search(r"spark://[\d.]+:\d+", log.read_text()):
            return found[0]
        time.sleep(0.2)
    print(log.read_text(), file=sys.stderr)
    raise SettingsError(
        expected="Spark's master to start", received="an end, or no address", remedy="see the lines above"
    )


if __name__ == "__main__":
    main()
