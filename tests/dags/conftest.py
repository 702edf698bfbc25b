"""The DAGs as Airflow parses them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def dags(tmp_path_factory):
    """DAG id -> DAG, parsed with a database of its own."""
    home = tmp_path_factory.mktemp("airflow")
    os.environ |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }
    from airflow.dag_processing.dagbag import DagBag

    sys.path.insert(0, str(REPOSITORY / "dags"))  # as the DAG processor does
    bag = DagBag(str(REPOSITORY / "dags"))
    assert bag.import_errors == {}
    assert bag.dags
    return bag.dags
