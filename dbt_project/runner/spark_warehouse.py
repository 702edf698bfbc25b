"""The profiles as tables of Spark, behind a Thrift server; the files that Spark writes are what is published.

Rows never pass the connection: the lake lies on a volume that the server and its workers share with this process.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyhive import hive
from pyhive.exc import Error
from thrift.Thrift import TException

from contracts.errors import LakeError, WarehouseError
from contracts.lake import Lake
from contracts.schema import Table
from contracts.settings import Settings
from contracts.tables.marts import PROFILE_HISTORY
from dbt_project.runner.parquet import checked_rows, write_empty
from dbt_project.runner.warehouse import INCREMENTS, SET_ASIDE_QUERY, publish, report_queries

CONNECT_SECONDS = 10
SESSION = {
    # files of a sensible size, and a single one for a small table
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
    "spark.sql.parquet.compression.codec": "zstd",
}


@dataclass(frozen=True)
class SparkWarehouse:
    """A database of its own for each home folder; its tables lie below that folder, and every run makes them again."""

    settings: Settings
    target: str = "spark"

    @property
    def schema(self) -> str:
        return f"nightshift_{hashlib.sha256(str(self.settings.home).encode()).hexdigest()[:12]}"

    @property
    def folder(self) -> Path:
        return self.settings.home.spark_warehouse / self.schema

    def variables(self, lake: Lake, ds: str) -> dict[str, Any]:  # noqa: ARG002
        days = lake.days(PROFILE_HISTORY.name)
        known = lake.partition(PROFILE_HISTORY.name, days[-1]) if days else write_empty(lake, PROFILE_HISTORY)
        return {
            "schema": self.schema,
            "thrift_host": self.settings.thrift_host,
            "thrift_port": self.settings.thrift_port,
            "history": str(known),
        }

    def make_ready(self) -> None:
        """Empty the database. A restarted server has forgotten it, but its folder is still there."""
        with self._session() as cursor:
            cursor.execute("select current_timezone()")
            zone = cursor.fetchone()[0]
            if zone != "UTC":
                raise WarehouseError(
                    expected="a Thrift server whose sessions are in UTC",
                    received=f"one in {zone}",
                    remedy="start it with spark.sql.session.timeZone=UTC, as python -m ops.thrift_server does",
                )
            cursor.execute(f"drop schema if exists {self.schema} cascade")
            shutil.rmtree(self.folder, ignore_errors=True)
            cursor.execute(f"create schema {self.schema} location {_literal(self.folder)}")

    def export(self, tables: tuple[Table, ...], staging: Path) -> dict[str, tuple[list[Path], int]]:
        """As many files a table as it is large; each file, and all of them by name, are in the order of the key."""
        with self._session() as cursor:
            cursor.execute(f"use {self.schema}")
            return {table.name: self._export(cursor, table, staging / table.name) for table in tables}

    def export_days(self, tables: tuple[Table, ...], staging: Path) -> dict[str, dict[str, list[Path]]]:
        """A day is one file while Spark cuts none. The table that writes them is dropped again, its files stay."""
        exported = {}
        with self._session() as cursor:
            cursor.execute(f"use {self.schema}")
            for table in tables:
                folder = staging / table.name
                cursor.execute(
                    f"create table export_{table.name} using parquet partitioned by (ds) "
                    f"location {_literal(folder)} as select {_columns(table)}, ds from ({INCREMENTS[table.name]}) "
                    f"distribute by ds sort by ds, {', '.join(table.key)}"
                )
                cursor.execute(f"drop table export_{table.name}")
                exported[table.name] = {
                    day.name.removeprefix("ds="): sorted(day.glob("part-*.parquet"))
                    for day in sorted(folder.glob("ds=*"))
                }
        return exported

    def counts(self) -> dict[str, int]:
        found = {}
        with self._session() as cursor:
            cursor.execute(f"use {self.schema}")
            for name, query in report_queries().items():
                cursor.execute(query)
                found[name] = cursor.fetchone()[0]
        return found

    def set_aside(self) -> dict[str, int]:
        with self._session() as cursor:
            cursor.execute(f"use {self.schema}")
            cursor.execute(SET_ASIDE_QUERY)
            return dict(cursor.fetchall())

    def publish_history(self, lake: Lake, ds: str, staging: Path) -> None:
        """Publish the history as its newest day, and withdraw the days before."""
        days = lake.days(PROFILE_HISTORY.name)
        newest = max([ds, *days])
        files, _ = self.export((PROFILE_HISTORY,), staging)[PROFILE_HISTORY.name]
        publish(lake, PROFILE_HISTORY.name, newest, files)
        for day in days:
            if day != newest:
                lake.withdraw(PROFILE_HISTORY.name, day)

    def _export(self, cursor: hive.Cursor, table: Table, folder: Path) -> tuple[list[Path], int]:
        cursor.execute(
            f"insert overwrite directory {_literal(folder)} using parquet "
            f"select {_columns(table)} from {table.name} order by {', '.join(table.key)}"
        )
        files = sorted(folder.glob("part-*.parquet"))
        if not files:
            raise LakeError(
                expected=f"files of {table.name} in {folder}, where Spark should have written them",
                received="none",
                remedy="let the Thrift server and its workers write to the same volume, at the same path, as this one",
            )
        rows = checked_rows(table, files)
        cursor.execute(f"select count(*) from {table.name}")
        counted = cursor.fetchone()[0]
        if rows != counted:
            raise LakeError(
                expected=f"{counted:,} rows of {table.name} in {folder}",
                received=f"{rows:,}",
                remedy="let every worker of Spark write to the same volume as this process; nothing was published",
            )
        return files, rows

    @contextlib.contextmanager
    def _session(self) -> Iterator[hive.Cursor]:
        """A session of the server, closed at the end."""
        host, port = self.settings.thrift_host, self.settings.thrift_port
        try:
            socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
            connection = hive.connect(host=host, port=port, username="nightshift")
        except (TException, Error, OSError) as error:
            raise WarehouseError(
                expected=f"a Spark Thrift server at {host}:{port}",
                received=getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__,
                remedy="start it (python -m ops.thrift_server), or correct NIGHTSHIFT_THRIFT_SERVER",
            ) from None
        with contextlib.closing(connection), contextlib.closing(connection.cursor()) as cursor:
            for name, value in SESSION.items():
                cursor.execute(f"set {name}={value}")
            yield cursor


def _columns(table: Table) -> str:
    """The columns of a table for a `select`, of the types that DuckDB's files have."""
    return ", ".join(
        f"cast({column.name} as {column.parsed_type.spark_without_zone}) as {column.name}" for column in table.columns
    )


def _literal(path: Path) -> str:
    """A path as a literal of Spark SQL."""
    escaped = str(path).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
