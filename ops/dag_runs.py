"""DAGs one after the other in one Airflow process, each as `airflow dags test` runs it, until one fails.

Airflow takes some ten seconds to start; one process for a night pays for that once. Nobody is there to be asked, so the
gate alone decides on promotions; and no scheduler is there that could watch a deadline.
"""

from __future__ import annotations

import argparse
import gc
import json
import os

from airflow.cli.cli_parser import get_parser

from contracts.entry_point import IMPORTING_THRESHOLD
from ops.airflow import DAG_MARK


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ops.dag_runs", description=__doc__)
    parser.add_argument("--ds", required=True, metavar="YYYY-MM-DD", help="the day")
    parser.add_argument("dags", nargs="+", metavar="DAG")
    options = parser.parse_args()
    gc.set_threshold(IMPORTING_THRESHOLD)
    os.environ["NIGHTSHIFT_APPROVAL"] = "auto"
    os.environ["NIGHTSHIFT_DEADLINE_HOURS"] = "0"
    for dag in options.dags:
        print(f"{DAG_MARK}{dag}", flush=True)
        command = get_parser().parse_args(["dags", "test", dag, "--conf", json.dumps({"day": options.ds})])
        command.func(command)


if __name__ == "__main__":
    main()
