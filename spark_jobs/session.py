"""The Spark session: the same code on one machine and on a cluster."""

from __future__ import annotations

from pyspark import SparkConf
from pyspark.sql import SparkSession

from contracts.settings import Settings

SHUFFLE_PARTITIONS = 16
"""Fixed, because the rows of a file, and so its bytes, depend on it; Spark joins small partitions by itself."""


def start_session(settings: Settings, name: str) -> SparkSession:
    """Start Spark, or return the session that runs; what `spark-submit` was told wins over the settings."""
    submitted = SparkConf()
    builder = SparkSession.builder.appName(f"nightshift {name}")
    if not submitted.contains("spark.master"):
        builder = builder.master(settings.spark_master).config("spark.driver.memory", settings.spark_driver_memory)
    session = (
        builder.config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", SHUFFLE_PARTITIONS)
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        .config("spark.sql.warehouse.dir", str(settings.home / "spark-warehouse"))
        # the pads of the pseudonym key are literals of the plan: they must not reach a page or a log
        .config("spark.sql.redaction.string.regex", "(?i)[0-9a-f]{128}")
        .config("spark.ui.enabled", submitted.get("spark.ui.enabled", "false"))
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    return session
