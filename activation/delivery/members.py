"""Who may be in which audience of a destination, and under which id: the table `audience_members`.

It is published before anything is sent, so that whatever ends a run, nobody is known at a destination whom the next run
does not know of. It names people by their ids, and the destination by random digits alone: whoever is erased leaves a
row without a person, of which only the removal is left to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from contracts.lake import Lake
from contracts.tables.activation import AUDIENCE_MEMBERS
from lake_tables.arrow import arrow_schema

_COLUMNS = ", ".join(AUDIENCE_MEMBERS.column_names)


def load_members(connection: duckdb.DuckDBPyConnection, lake: Lake, destinations: Sequence[str]) -> None:
    """Make the table `members` of a connection: those of some destinations, as the newest day has them."""
    columns = ", ".join(f"{column.name} {column.parsed_type.duckdb}" for column in AUDIENCE_MEMBERS.columns)
    connection.execute(f"create or replace table members ({columns})")
    days = lake.days(AUDIENCE_MEMBERS.name)
    if days and (files := [str(file) for file in lake.files(AUDIENCE_MEMBERS.name, days[-1])]):
        connection.execute(
            f"insert into members select {_COLUMNS} from read_parquet($files) "
            "where list_contains($destinations, destination)",
            {"files": files, "destinations": list(destinations)},
        )


def publish_members(connection: duckdb.DuckDBPyConnection, lake: Lake, ds: str, destinations: Sequence[str]) -> None:
    """Publish `members` as those of the destinations, in one step; the others' stay as they are in the newest day.

    That day is the newest one still, if the run's is older.
    """
    with lake.lock("audience-members", wait_seconds=120):
        days = lake.days(AUDIENCE_MEMBERS.name)
        staging = lake.staging("audience-members")
        files, own = {}, {_file_name(one): one for one in destinations}
        for file in lake.files(AUDIENCE_MEMBERS.name, days[-1]) if days else []:
            if file.name not in own:
                files[file.name] = staging / file.name
                files[file.name].hardlink_to(file.resolve())
        for name, destination in own.items():
            files[name] = staging / name
            _write(connection, destination, files[name])
        lake.publish(AUDIENCE_MEMBERS.name, max([ds, *days[-1:]]), files)


def _write(connection: duckdb.DuckDBPyConnection, destination: str, file: Path) -> None:
    query = f"select {_COLUMNS} from members where destination = $destination order by campaign, member_id"
    rows = connection.sql(query, params={"destination": destination}).to_arrow_reader(50_000)
    schema = arrow_schema(AUDIENCE_MEMBERS)
    with pq.ParquetWriter(file, schema) as writer:
        for batch in rows:
            writer.write_batch(batch.cast(schema))


def _file_name(destination: str) -> str:
    return f"{destination}.parquet"
