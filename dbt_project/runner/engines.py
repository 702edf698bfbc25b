"""Which engine builds the profiles: DuckDB in a file, or Spark behind a Thrift server."""

from __future__ import annotations

from contracts.settings import Settings
from dbt_project.runner.duckdb_warehouse import DuckDbWarehouse
from dbt_project.runner.warehouse import Warehouse


def warehouse_of(settings: Settings) -> Warehouse:
    """The engine that the settings name."""
    if settings.dbt_target == "spark":
        from dbt_project.runner.spark_warehouse import SparkWarehouse  # runs on DuckDB need no Thrift client

        return SparkWarehouse(settings)
    return DuckDbWarehouse(settings.home.warehouse)
