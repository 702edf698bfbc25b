"""The Spark application that the commands of a night share on one machine: how they find it, and how Java starts.

To start Java and to warm it up costs a small command more than its work. So a night keeps one process
(`python -m spark_jobs.application`), and its commands work in it, each in a Spark session of its own. Where none runs,
a command starts Java for itself.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

from contracts.home import Home
from contracts.private_files import write_private

_BUSY_JARS = ("spark-", "scala-", "hadoop-client-", "parquet-", "jackson-", "log4j-", "janino-", "commons-compiler-")
"""Names of the jars that hold nine of ten classes which a mapping loads."""


@dataclass(frozen=True)
class SparkApplication:
    """Where Java listens, on its own machine alone, and the word that it asks for."""

    machine: str
    pid: int
    port: int
    secret: str

    @classmethod
    def running(cls, home: Home) -> SparkApplication | None:
        """That of a home, None where none runs on this machine."""
        try:
            with home.spark_application.open("rb") as stream:
                found = cls(**json.load(stream)) if _is_held(stream.fileno()) else None
        except (OSError, ValueError, TypeError):  # it is not there, or says something else
            return None
        return found if found and found.machine == platform.node() else None

    def announce(self, home: Home) -> int:
        """Let commands find it, for as long as the file descriptor that is returned stays open."""
        write_private(home.spark_application, json.dumps(asdict(self)))
        descriptor = os.open(home.spark_application, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return descriptor


def on_one_machine(master: str) -> bool:
    """Whether a Spark master is this machine, where commands share an application; on a cluster each has its own."""
    return master.startswith("local")


def busy_jars() -> str | None:
    """Spark's busy jars as a class path, None where Spark is not found.

    Spark's own class path is its folder of some 280 jars in no order, through which Java looks for each of 20,000
    classes from the beginning; with these before it a driver starts 4 seconds sooner.
    """
    package = importlib.util.find_spec("pyspark")
    home = os.environ.get("SPARK_HOME") or (package and Path(package.origin).parent)
    jars = sorted((Path(home) / "jars").glob("*.jar")) if home else []
    return ":".join(str(jar) for jar in jars if jar.name.startswith(_BUSY_JARS)) or None


def _is_held(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
