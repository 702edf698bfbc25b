"""Between the lake and the warehouse: empty tables going in, published Parquet coming out."""

from __future__ import annotations

from pathlib import Path

import duckdb

from contracts.lake import Lake
from contracts.marts import MART_TABLES, PREDICTIONS
from contracts.schema import Table
from contracts.tables import MAPPED_TABLES


def lay_empty_tables(lake: Lake, ds: str) -> list[str]:
    """Write an empty file for each table that dbt reads without any day up to `ds`; the names of these are returned.

    A shop without surveys has no answers, and before the first night nothing was predicted: the models read an empty
    table with the contract's columns instead.
    """
    missing = [table for table in (*MAPPED_TABLES, PREDICTIONS) if not lake.days(table.name, until=ds)]
    with duckdb.connect() as connection:
        for table in missing:
            file = lake.root / ".empty" / table.name / "ds=0001-01-01" / "empty.parquet"
            file.parent.mkdir(parents=True, exist_ok=True)
            columns = ", ".join(
                f"cast(null as {_duckdb_type(column.type)}) as {column.name}" for column in table.columns
            )
            connection.execute(f"copy (select {columns} limit 0) to '{_quoted(file)}' (format parquet)")
    return [table.name for table in missing]


def publish_marts(warehouse: Path, lake: Lake, ds: str, staging: Path) -> dict[str, int]:
    """Export every mart to Parquet, in the order of its key, then publish all of them; the rows of each are returned.

    One thread writes each file, so the same rows are the same bytes.
    """
    files = {table: staging / f"{table.name}.parquet" for table in MART_TABLES}
    with _open(warehouse) as connection:
        rows = {table.name: _export(connection, table, file) for table, file in files.items()}
    for table, file in files.items():
        lake.publish(table.name, ds, {"part-00000.parquet": file})
    return rows


def counts(warehouse: Path, ds: str) -> dict[str, int]:
    """What the run report says of the profiles of a day."""
    queries = {
        "persons": "select count(distinct person_id) from stg_lake__persons",
        "profiles": "select count(*) from dim_person_profile",
        "redelivered": f"""
            select count(*) from int_events__identified
            where last_arrived_on = date '{ds}' and known_on < last_arrived_on
        """,
    }
    with _open(warehouse) as connection:
        return {name: connection.execute(query).fetchone()[0] for name, query in queries.items()}


def _open(warehouse: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(warehouse), read_only=True, config={"threads": 1})


def _export(connection: duckdb.DuckDBPyConnection, table: Table, file: Path) -> int:
    columns, key = ", ".join(table.column_names), ", ".join(table.key)
    query = f"select {columns} from {table.name} order by {key}"
    return connection.execute(f"copy ({query}) to '{_quoted(file)}' (format parquet, compression zstd)").fetchone()[0]


def _duckdb_type(spark_type: str) -> str:
    """A Spark SQL type as DuckDB writes it: `array<struct<a:int,b:string>>` is `struct(a int, b string)[]`.

    The fields of a struct are simple types.
    """
    inner = spark_type[spark_type.find("<") + 1 : -1]
    if spark_type.startswith("array<"):
        return f"{_duckdb_type(inner)}[]"
    if spark_type.startswith("struct<"):
        return f"struct({', '.join(field.replace(':', ' ') for field in inner.split(','))})"
    return spark_type


def _quoted(file: Path) -> str:
    return str(file).replace("'", "''")
