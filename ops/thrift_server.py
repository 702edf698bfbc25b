"""Start the Spark Thrift server in which dbt's target `spark` builds the profiles; it runs until it is stopped.

    python -m ops.thrift_server

It listens on NIGHTSHIFT_THRIFT_SERVER (127.0.0.1:10000; in a container 0.0.0.0:10000) and asks for no password: let
only the machines of the pipeline reach it. Its work is done on NIGHTSHIFT_SPARK_MASTER. Nothing in it outlasts it.
"""

from __future__ import annotations

import argparse
import os

from contracts.entry_point import exit_with_sentence
from contracts.settings import Settings
from ops.ports import require_free

_TAKEN = "stop what listens there, or name another address of this machine in NIGHTSHIFT_THRIFT_SERVER"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m ops.thrift_server", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    settings = Settings.from_env()
    require_free(settings.thrift_host, settings.thrift_port, remedy=_TAKEN)
    settings.home.spark_warehouse.mkdir(parents=True, exist_ok=True)
    started = command(settings)
    os.execvp(started[0], started)


def command(settings: Settings) -> list[str]:
    """The command line that becomes the server."""
    options = {
        # tables are made again by every run, and what lasts lies in the lake: nothing needs a metastore
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": str(settings.home.spark_warehouse),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.icu.caseMappings.enabled": "false",
        # the number of files of its tables does not matter: few rows may be one task
        "spark.sql.adaptive.coalescePartitions.enabled": "true",
        "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
    }
    hive_options = {
        "hive.server2.thrift.bind.host": settings.thrift_host,
        "hive.server2.thrift.port": str(settings.thrift_port),
        "hive.server2.logging.operation.enabled": "false",
    }
    words = ["spark-submit", "--name", "nightshift thrift server", "--master", settings.spark_master]
    words += ["--driver-memory", settings.spark_driver_memory]
    words += ["--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"]
    for name, value in options.items():
        words += ["--conf", f"{name}={value}"]
    words.append("spark-internal")
    for name, value in hive_options.items():
        words += ["--hiveconf", f"{name}={value}"]
    return words


if __name__ == "__main__":
    exit_with_sentence(main)
