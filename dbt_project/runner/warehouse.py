"""What every engine does for the build of profiles, and how the build publishes what an engine exports."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from contracts.errors import BusyError
from contracts.lake import Lake
from contracts.schema import Table
from contracts.tables.marts import FULL_STATES, INTERACTIONS, MARTS_BY_ARRIVAL
from contracts.tables.summaries import (
    ACTS_TO_DATE,
    DAILY_ACTS,
    DAILY_EVENT_IDS,
    DAILY_EVENTS,
    DAILY_EVENTS_SET_ASIDE,
    DAILY_INTERESTS,
    DAILY_SESSIONS,
    INTERESTS_TO_DATE,
)
from dbt_project.runner.parquet import write_without_rows

LOCKED = "Could not set lock on file"
"""What DuckDB says of a file that another process has open."""


class Warehouse(Protocol):
    """An engine that holds the tables of a run."""

    target: str
    """Its output in profiles.yml."""

    def variables(self, lake: Lake, ds: str) -> dict[str, Any]:
        """Variables for dbt besides the day and the lake."""

    def make_ready(self) -> None:
        """Prepare what has to be there before dbt starts.

        Raises:
            WarehouseError: the engine's server does not answer.
        """

    def export(self, tables: tuple[Table, ...], staging: Path) -> dict[str, tuple[list[Path], int]]:
        """Write tables to Parquet; the files of each, all in the order of its key, and its rows."""

    def export_days(self, tables: tuple[Table, ...], staging: Path) -> dict[str, dict[str, list[Path]]]:
        """Write increments to Parquet; table -> day -> its files, all in the order of its key."""

    def counts(self) -> dict[str, int]:
        """Counts of the profiles of a run, for its report."""

    def set_aside(self) -> dict[str, int]:
        """`table.column` -> rows that no model read, because the contract refuses what they hold in it."""

    def publish_history(self, lake: Lake, ds: str, staging: Path) -> None:
        """Publish what must outlast the engine's own tables, if they may be gone on the next night."""


SET_ASIDE_QUERY = """
    select table_name || '.' || column_name, set_aside_rows from stg_lake__set_aside order by table_name, column_name
"""
"""Rows of the lake that no model of a run read."""


INCREMENTS = {
    DAILY_EVENT_IDS.name: "select *, known_on as ds from int_events__received where is_new",
    DAILY_EVENTS.name: """
        select event_id, source, identifier, occurred_at, action, item_id, category, delivered_value as value,
            session_id, topics, campaign, device, order_id, quantity, currency, known_on, known_on as ds
        from int_events__delivered
        where is_to_keep
    """,
    DAILY_ACTS.name: "select *, summary_on as ds from int_acts__counted where summary_on is not null",
    DAILY_INTERESTS.name: "select *, summary_on as ds from int_interests__shown where summary_on is not null",
    DAILY_SESSIONS.name: "select *, summary_on as ds from int_sessions__summed where summary_on is not null",
    ACTS_TO_DATE.name: "select *, to_date as ds from int_acts__added_up",
    INTERESTS_TO_DATE.name: "select *, to_date as ds from int_interests__added_up",
    DAILY_EVENTS_SET_ASIDE.name: "select *, arrived_on as ds from stg_lake__events_set_aside",
    INTERACTIONS.name: "select *, known_on as ds from fct_interactions",
}
"""Table -> query for its new rows, each with the day of its partition in `ds`."""


def warehouse_is_open() -> BusyError:
    """The error for a warehouse in which another process is at work."""
    return BusyError(
        expected="to be the only process that has the warehouse open",
        received="another one at work in it",
        remedy="close what reads the warehouse (reports read the published Parquet instead) and run again",
    )


def publish_marts(warehouse: Warehouse, lake: Lake, ds: str, staging: Path) -> dict[str, int]:
    """Export every mart, in the order of its key, then publish all of them; the rows of each are returned.

    Each mart is published in one step, the set of them is not: nothing is published before everything was exported, so
    that only a kill between two renames leaves marts of two runs. `dim_person_consent` comes first, and training and
    serving compare every table about people with it, so that such a mixture stops them where consent differs.
    """
    exported = warehouse.export(FULL_STATES, staging)
    by_arrival = warehouse.export_days(MARTS_BY_ARRIVAL, staging)
    for name, (files, _) in exported.items():
        publish(lake, name, ds, files)
    for table in MARTS_BY_ARRIVAL:
        files_of = by_arrival[table.name]
        if ds not in files_of:
            files_of[ds] = [write_without_rows(table, staging / f"{table.name}.parquet")]
        for day, files in files_of.items():
            publish(lake, table.name, day, files)
    return {name: rows for name, (_, rows) in exported.items()}


def publish(lake: Lake, name: str, ds: str, files: list[Path]) -> None:
    """Let exported files be the partition, under names that sort as their rows do."""
    lake.publish(name, ds, {f"part-{number:05d}.parquet": file for number, file in enumerate(files)})


def report_queries() -> dict[str, str]:
    """Name in the run report -> query that counts it, on the tables of a run."""
    return {
        "persons": "select count(distinct person_id) from stg_lake__persons",
        "profiles": "select count(*) from dim_person_profile",
        "redelivered": "select count(*) from int_events__redelivered",
        "without_person": """
            select cast(coalesce(sum(acts.events), 0) as bigint) from int_acts__to_date as acts
            anti join stg_lake__persons as persons on acts.identifier = persons.identifier
        """,
        "without_euros": """
            select count(*) from int_events__delivered as events
            semi join stg_lake__persons as persons on events.identifier = persons.identifier
            where not events.is_in_euros
        """,
    }
