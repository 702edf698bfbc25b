"""What became of every message: the tables `receipts` and `withheld` of a connection, and `deliveries` of the lake."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from contracts.lake import Lake
from contracts.tables.activation import DELIVERIES
from lake_tables.arrow import arrow_schema

_OF_THE_RUN = ("waiting", "withheld")
"""Statuses that say what a run has not done; the next run of the night says them anew."""

_SUPERSEDED = {"status": "withheld", "reason": "superseded"}


def make_receipts(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the empty tables: receipts by member, and whether the members know of it; and who got no message."""
    connection.execute(
        "create or replace table receipts (delivery_id varchar, member_id varchar, campaign varchar, plan varchar, "
        "action varchar, status varchar, reason varchar, attempt integer, folded boolean)"
    )


def publish_receipts(
    connection: duckdb.DuckDBPyConnection, lake: Lake, ds: str, destination: str, campaigns: Sequence[str]
) -> None:
    """Publish them, beside what earlier runs of the night have left.

    Receipts of an earlier night, which a run that was killed or stopped has left, go to that night. What was still
    waiting of it is withheld: tonight's message has taken its place.

    Args:
        campaigns: those of which `wanted` says everything.
    """
    rows = connection.execute("select distinct plan, campaign from receipts").fetchall()
    for plan in sorted({plan for plan, _ in rows} | {ds}):
        touched = {campaign for of, campaign in rows if of == plan}
        query, options = _rows_of(plan, destination, campaigns if plan == ds else ())
        if before := [str(file) for file in lake.files(DELIVERIES.name, plan, owner=destination)]:
            again = sorted({*campaigns, *touched}) if plan == ds else []
            query += " union all " + _rows_before(is_earlier=plan != ds)
            options |= {"before": before, "again": again, "statuses": list(_OF_THE_RUN)}
        _publish(connection, lake, plan, destination, query, options)


def _rows_of(plan: str, destination: str, campaigns: Sequence[str]) -> tuple[str, dict[str, object]]:
    """A query of the receipts of a night, and its parameters."""
    query = (
        "select receipts.delivery_id, people.person_id, receipts.campaign, receipts.plan::date as plan, "
        "$destination as destination, receipts.action, receipts.status, receipts.reason, receipts.attempt "
        "from receipts left join people using (member_id) where receipts.plan = $plan"
    )
    options: dict[str, object] = {"destination": destination, "plan": plan}
    if campaigns:
        query += (
            " union all select replace(uuid()::varchar, '-', ''), person_id, campaign, $plan::date, $destination, "
            "'add', 'withheld', reason, 0 from wanted where reason is not null and list_contains($campaigns, campaign)"
        )
        options["campaigns"] = list(campaigns)
    return query, options


def _rows_before(*, is_earlier: bool) -> str:
    """A query of what stays of the receipts that a night has."""
    columns = ", ".join(
        f"case when earlier.status = 'waiting' then '{value}' else earlier.{name} end"
        if is_earlier and (value := _SUPERSEDED.get(name))
        else f"earlier.{name}"
        for name in DELIVERIES.column_names
    )
    return (
        f"select {columns} from read_parquet($before) as earlier "
        "where earlier.delivery_id not in (select delivery_id from receipts) "
        "and not (list_contains($statuses, earlier.status) and list_contains($again, earlier.campaign))"
    )


def _publish(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    plan: str,
    destination: str,
    query: str,
    options: dict[str, object],
) -> None:
    with lake.lock(f"deliveries-{destination}", wait_seconds=120):
        file = lake.staging(f"deliveries-{destination}") / f"{destination}-0.parquet"
        _write(connection, query, options, file)
        lake.publish(DELIVERIES.name, plan, {file.name: file}, owner=destination)


def _write(connection: duckdb.DuckDBPyConnection, query: str, options: dict[str, object], file: Path) -> None:
    schema = arrow_schema(DELIVERIES)
    with pq.ParquetWriter(file, schema) as writer:
        for batch in connection.sql(query, params=options).to_arrow_reader(50_000):
            writer.write_batch(batch.cast(schema))
