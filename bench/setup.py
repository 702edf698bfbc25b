"""How long set-up takes with uv and with pip: `ops/setup.sh` on the same lock, each from empty package caches.

    python3 -m bench.setup

Needs Python 3.11 or 3.12, the package index and 15 GB for temporary files, but no `.venv`. Both runs are those of a
fresh clone; for pip the pin of uv is taken away, so that set-up falls back. pip compiles every file to bytecode, uv
none: the first import of large packages is measured as well. Takes some ten minutes; prints one JSON line.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

from bench.result import write
from contracts.settings import REPOSITORY

IMPORTED = ("tensorflow", "mlflow", "airflow.models", "dbt.cli.main", "pyspark.sql")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python3 -m bench.setup", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    write(measure())


def measure() -> Mapping[str, object]:
    """The line of the benchmark.

    Raises:
        RuntimeError: A set-up failed, used the other installer, or the two installed different packages.
    """
    found, packages = {}, {}
    for installer in ("pip", "uv"):
        with tempfile.TemporaryDirectory(prefix="nightshift-setup-") as folder:
            found[installer] = _one_setup(Path(folder), installer)
            packages[installer] = _installed(Path(folder))
    if packages["pip"] != packages["uv"]:
        raise RuntimeError(
            f"expected the same packages from pip and uv, but received {packages['pip'] ^ packages['uv']} from one of "
            "them only; look at the output above"
        )
    return {
        "bench": "setup",
        "protocol": "ops/setup.sh on a fresh copy with empty package caches, once with pip and once with uv",
        "packages": len(packages["uv"]),
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[2], 2),
        **found,
        "setup_uv_over_pip": round(found["uv"]["setup_seconds"] / found["pip"]["setup_seconds"], 3),
    }


def _one_setup(clone: Path, installer: str) -> dict[str, float]:
    """Seconds of a set-up in an empty folder, of the call after it, and of the first and the second imports."""
    (clone / "ops").mkdir()
    shutil.copy(REPOSITORY / "ops" / "setup.sh", clone / "ops")
    shutil.copytree(REPOSITORY / "requirements", clone / "requirements")
    if installer == "pip":
        (clone / "requirements" / "setup.txt").write_text("")
    caches = [f"PIP_CACHE_DIR={clone / 'cache' / 'pip'}", f"UV_CACHE_DIR={clone / 'cache' / 'uv'}"]
    setup = ["env", *caches, "bash", str(clone / "ops" / "setup.sh")]
    python = [
        "env",
        "--unset",
        "PYTHONDONTWRITEBYTECODE",
        f"AIRFLOW_HOME={clone / 'airflow'}",
        clone / ".venv/bin/python",
    ]
    imports = [[*python, "-c", f"import {module}"] for module in IMPORTED]
    before = _cpu_seconds()
    seconds = {
        "setup_seconds": _seconds([setup]),
        "setup_cpu_seconds": round(_cpu_seconds() - before, 2),
        "second_call_seconds": _seconds([setup]),
        "first_imports_seconds": _seconds(imports),
        "second_imports_seconds": _seconds(imports),
    }
    used = next(one.read_text("INSTALLER") for one in _distributions(clone) if one.name == "tensorflow").strip()
    if used != installer:
        raise RuntimeError(f"expected packages installed by {installer}, but received {used}; look at the output above")
    return seconds


def _seconds(commands: list[list[str | Path]]) -> float:
    started = time.monotonic()
    for command in commands:
        subprocess.run(command, stdout=sys.stderr, check=True)
    return round(time.monotonic() - started, 2)


def _cpu_seconds() -> float:
    """Processor seconds of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _distributions(clone: Path) -> Iterable[Distribution]:
    return distributions(path=[str(folder) for folder in (clone / ".venv" / "lib").glob("python3.*/site-packages")])


def _installed(clone: Path) -> set[str]:
    """Every locked package with its version, which leaves out what installs."""
    found = {re.sub(r"[-_.]+", "-", one.name).lower(): one.version for one in _distributions(clone)}
    return {f"{name}=={version}" for name, version in found.items() if name not in ("pip", "uv")}


if __name__ == "__main__":
    main()
