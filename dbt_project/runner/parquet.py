"""Parquet files beside the warehouse, read and written by DuckDB: empty tables, and the check of a written table."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb

from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.schema import Table
from contracts.settings import duckdb_config

EMPTY_DAY = "0001-01-01"


def write_empty_tables(lake: Lake, tables: Iterable[Table], ds: str) -> list[str]:
    """Write an empty file for each of the tables without any day up to `ds`; the names of these are returned.

    A shop without surveys has no answers, and before the first night nothing was predicted: the models read an empty
    table with the contract's columns instead.
    """
    missing = [table for table in tables if not lake.days(table.name, until=ds)]
    for table in missing:
        write_empty(lake, table)
    return [table.name for table in missing]


def write_empty(lake: Lake, table: Table) -> Path:
    """Write an empty file of a table; the folder that stands for the table is returned."""
    folder = lake.root / ".empty" / table.name
    file = folder / f"ds={EMPTY_DAY}" / "empty.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_without_rows(table, file)
    return folder


def write_without_rows(table: Table, file: Path) -> Path:
    """Write a file that has a table's columns and no row."""
    with duckdb.connect(config=duckdb_config()) as connection:
        connection.execute(f"copy ({_without_rows(table)}) to '{quoted(file)}' (format parquet)")
    return file


def checked_rows(table: Table, files: Iterable[Path]) -> int:
    """The number of rows of files that have the columns and types of the contract.

    Raises:
        LakeError: they have others.
    """
    listed = ", ".join(f"'{quoted(file)}'" for file in files)
    with duckdb.connect(config=duckdb_config()) as connection:
        written = _columns(connection, f"select * from read_parquet([{listed}])")
        promised = _columns(connection, _without_rows(table))
        if written != promised:
            raise LakeError(
                expected=f"the columns {promised} of {table.name}",
                received=str(written),
                remedy="make the model and its contract agree; nothing was published",
            )
        return connection.execute(f"select count(*) from read_parquet([{listed}])").fetchone()[0]


def columns_of_days(lake: Lake, table: Table) -> list[str]:
    """The columns that files of any day of a table have."""
    with duckdb.connect(config=duckdb_config()) as connection:
        days = f"read_parquet('{quoted(lake.root / table.name)}/*/*.parquet', union_by_name = true)"
        return [name for name, _ in _columns(connection, f"select * from {days}")]


def quoted(file: Path) -> str:
    """A path inside a literal of DuckDB's SQL, without the quotes around it."""
    return str(file).replace("'", "''")


def _columns(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[str, str]]:
    return [(name, str(kind)) for name, kind, *_ in connection.execute(f"describe {query}").fetchall()]


def _without_rows(table: Table) -> str:
    columns = ", ".join(f"cast(null as {column.parsed_type.duckdb}) as {column.name}" for column in table.columns)
    return f"select {columns} limit 0"
