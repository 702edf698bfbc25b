"""Rows of the lake's mapped tables that fit their contracts, whatever the contracts said when they were written."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from contracts.bounds import broken
from contracts.lake import Lake
from contracts.schema import Table
from contracts.settings import duckdb_config


def read_within_contract(lake: Lake, table: Table, days: list[str], columns: list[str]) -> pa.Table:
    """Some columns of some days of a table, without the rows whose values in them the contract refuses.

    The models of dbt set these aside too. A column that no file has yet is null.
    """
    files = [str(file) for day in days for file in lake.files(table.name, day)]
    refused = [condition for column, condition in broken(table, new_rows=False) if column in columns]
    with duckdb.connect(config=duckdb_config()) as connection:
        connection.execute("set TimeZone = 'UTC'")
        delivered = connection.read_parquet(files, hive_partitioning=True, union_by_name=True)
        missing = [
            f"cast(null as {column.parsed_type.duckdb}) as {column.name}"
            for column in table.columns
            if column.name not in delivered.columns
        ]
        fitting = delivered.project(", ".join(["*", *missing])).filter(f"not ({' or '.join(['false', *refused])})")
        return fitting.project(", ".join(columns)).to_arrow_table()
