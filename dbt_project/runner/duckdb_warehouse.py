"""The profiles in one DuckDB file: one process, one machine, and nothing to serve."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from contracts.lake import Lake
from contracts.schema import Table
from contracts.settings import duckdb_config
from dbt_project.runner.parquet import quoted
from dbt_project.runner.warehouse import INCREMENTS, LOCKED, SET_ASIDE_QUERY, report_queries, warehouse_is_open


@dataclass(frozen=True)
class DuckDbWarehouse:
    """The file; the history of profiles stays in it from night to night."""

    file: Path
    target: str = "duckdb"

    def variables(self, lake: Lake, ds: str) -> dict[str, Any]:  # noqa: ARG002
        return {"warehouse": str(self.file)}

    def make_ready(self) -> None:
        """dbt makes the file where there is none."""

    def export(self, tables: tuple[Table, ...], staging: Path) -> dict[str, tuple[list[Path], int]]:
        """One file a table. One thread writes each, so the same rows are the same bytes."""
        exported = {}
        with self._open() as connection:
            for table in tables:
                file = staging / f"{table.name}.parquet"
                query = f"select {', '.join(table.column_names)} from {table.name} order by {', '.join(table.key)}"
                copy = f"copy ({query}) to '{quoted(file)}' (format parquet, compression zstd)"
                exported[table.name] = [file], connection.execute(copy).fetchone()[0]
        return exported

    def export_days(self, tables: tuple[Table, ...], staging: Path) -> dict[str, dict[str, list[Path]]]:
        exported = {}
        with self._open() as connection:
            connection.execute("set partitioned_write_max_open_files = 1")
            for table in tables:
                folder = staging / table.name
                columns = ", ".join(
                    f"cast({column.name} as {column.parsed_type.duckdb}) as {column.name}" for column in table.columns
                )
                query = f"select {columns}, ds from ({INCREMENTS[table.name]}) order by ds, {', '.join(table.key)}"
                options = "format parquet, compression zstd, partition_by (ds)"
                connection.execute(f"copy ({query}) to '{quoted(folder)}' ({options})")
                exported[table.name] = {
                    day.name.removeprefix("ds="): sorted(day.glob("*.parquet")) for day in sorted(folder.glob("ds=*"))
                }
        return exported

    def counts(self) -> dict[str, int]:
        with self._open() as connection:
            return {name: connection.execute(query).fetchone()[0] for name, query in report_queries().items()}

    def set_aside(self) -> dict[str, int]:
        with self._open() as connection:
            return dict(connection.execute(SET_ASIDE_QUERY).fetchall())

    def publish_history(self, lake: Lake, ds: str, staging: Path) -> None:
        """Nothing to do: the file outlasts the run."""

    def _open(self) -> duckdb.DuckDBPyConnection:
        """
        Raises:
            BusyError: another process has the file open to write.
        """
        try:
            return duckdb.connect(str(self.file), read_only=True, config={"threads": 1, **duckdb_config()})
        except duckdb.IOException as error:
            if LOCKED in str(error):
                raise warehouse_is_open() from error
            raise
