"""Who may be in which audience of a destination, and under which id: the table `audience_members`.

It is published before anything is sent, so that whatever ends a run, nobody is known at a destination whom the next run
does not know of. It names people by their ids, and the destination by random digits alone: whoever is erased leaves a
row without a person, of which only the removal is left to do.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from contracts.lake import Lake
from contracts.tables.activation import AUDIENCE_MEMBERS
from lake_tables.arrow import arrow_schema

_COLUMNS = ", ".join(AUDIENCE_MEMBERS.column_names)


def load_members(connection: duckdb.DuckDBPyConnection, lake: Lake, destination: str) -> None:
    """Make the table `members` of a connection: those of one destination, as the newest day has them."""
    columns = ", ".join(f"{column.name} {column.parsed_type.duckdb}" for column in AUDIENCE_MEMBERS.columns)
    connection.execute(f"create or replace table members ({columns})")
    days = lake.days(AUDIENCE_MEMBERS.name)
    if days and (files := [str(file) for file in lake.files(AUDIENCE_MEMBERS.name, days[-1])]):
        connection.execute(
            f"insert into members select {_COLUMNS} from read_parquet($files) where destination = $destination",
            {"files": files, "destination": destination},
        )


def publish_members(connection: duckdb.DuckDBPyConnection, lake: Lake, ds: str, destination: str) -> None:
    """Publish `members` as those of the destination; the others' stay as they are in the newest day.

    That day is the newest one still, if the run's is older.
    """
    with lake.lock("audience-members", wait_seconds=120):
        days = lake.days(AUDIENCE_MEMBERS.name)
        staging = lake.staging("audience-members")
        others = {}
        for file in lake.files(AUDIENCE_MEMBERS.name, days[-1]) if days else []:
            if file.name != _file_name(destination):
                others[file.name] = staging / file.name
                others[file.name].hardlink_to(file.resolve())
        own = staging / _file_name(destination)
        _write(connection, own)
        lake.publish(AUDIENCE_MEMBERS.name, max([ds, *days[-1:]]), {**others, own.name: own})


def _write(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    rows = connection.sql(f"select {_COLUMNS} from members order by campaign, member_id").to_arrow_reader(50_000)
    schema = arrow_schema(AUDIENCE_MEMBERS)
    with pq.ParquetWriter(file, schema) as writer:
        for batch in rows:
            writer.write_batch(batch.cast(schema))


def _file_name(destination: str) -> str:
    return f"{destination}.parquet"
