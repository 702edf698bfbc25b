"""Arguments of every Spark task: one application, the driver's memory, and where Java looks for classes first."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

from contracts.settings import REPOSITORY, Settings
from shared.lineage import part_of_this_run

_BUSY_JARS = ("spark-", "scala-", "hadoop-client-", "parquet-", "jackson-", "log4j-", "janino-", "commons-compiler-")
"""Names of the jars that hold nine of ten classes which a mapping loads."""


def spark_arguments(application: str = "spark_jobs/main.py") -> dict[str, Any]:
    """Arguments of each SparkSubmitOperator."""
    return {
        "application": str(REPOSITORY / application),
        "driver_memory": Settings.from_env().spark_driver_memory,
        "driver_class_path": busy_jars(),
        "env_vars": part_of_this_run(),
    }


def busy_jars() -> str | None:
    """Spark's busy jars as a class path, None where Spark is not found.

    Spark's own class path is its folder of some 280 jars in no order, through which Java looks for each of 20,000
    classes from the beginning; with these before it a driver starts 4 seconds sooner.
    """
    package = importlib.util.find_spec("pyspark")
    home = os.environ.get("SPARK_HOME") or (package and Path(package.origin).parent)
    jars = sorted((Path(home) / "jars").glob("*.jar")) if home else []
    return ":".join(str(jar) for jar in jars if jar.name.startswith(_BUSY_JARS)) or None
