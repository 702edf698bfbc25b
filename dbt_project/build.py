"""Build the profile tables of one day from the lake, test them, and publish them as Parquet.

    python -m dbt_project.build --ds 2026-11-20

A night goes on from the summaries of the night before, and reads only the events that have arrived since;
--full-refresh reads all of them, and publishes the same rows.

NIGHTSHIFT_DBT_TARGET chooses the engine: duckdb, or spark behind a Thrift server; what is published is the same.
Nothing is published unless every model was built and every test passed; a rerun of a day publishes the same bytes.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from contracts.arguments import day
from contracts.entry_point import exit_with_sentence
from contracts.lake import Lake
from contracts.lineage import lineage_transport
from contracts.memory import duckdb_share
from contracts.report import Report, say
from contracts.settings import Settings
from contracts.tables.activation import ASSIGNMENTS
from contracts.tables.marts import CONSENT, INTERACTIONS
from contracts.tables.served import PERSON_WORDS, PREDICTIONS
from contracts.tables.summaries import SUMMARY_TABLES, TO_DATE_TABLES
from contracts.tables.vocabulary import HOUSE_CURRENCY, MOST_EUROS, SESSION_SILENCE_MINUTES
from dbt_project.runner.command import DbtCommand
from dbt_project.runner.engines import warehouse_of
from dbt_project.runner.kept_days import KeptDays, code_digest, kept_days, publish_summaries
from dbt_project.runner.lake_contracts import TABLES_READ, columns_without_data, refused_by_contract
from dbt_project.runner.parquet import EMPTY_DAY, write_empty_tables
from dbt_project.runner.warehouse import publish_marts

JOB = "profile"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m dbt_project.build",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=(
            "Rows that arrived after that day are left out, and ages are counted to its end. The persons of the\n"
            "day have to be published first (spark_jobs/main.py resolve --ds DAY). NIGHTSHIFT_* environment\n"
            "variables set where things are; models, thresholds and tests stand in dbt_project/."
        ),
    )
    parser.add_argument(
        "--ds", required=True, metavar="DAY", type=day, help="day of the run, YYYY-MM-DD, for example 2026-11-20"
    )
    parser.add_argument(
        "--full-refresh", action="store_true", help="read all events of the lake again, and make all summaries anew"
    )
    arguments = parser.parse_args()
    build(Settings.from_env(), arguments.ds, full_refresh=arguments.full_refresh)


def build(settings: Settings, ds: str, *, full_refresh: bool = False) -> None:
    """Build, test and publish the marts of the day `ds`, and write the report's fragment.

    Args:
        full_refresh: read all events that the lake holds, whatever summaries there are.

    Raises:
        LakeError: the persons of the day are missing, or a model or a test failed.
        BusyError: another run builds profiles, or the warehouse is open elsewhere.
        WarehouseError: the target is Spark, and its Thrift server does not answer.
    """
    lake, warehouse = Lake(settings.home.lake), warehouse_of(settings)
    lake.require("persons", ds, made_by=f"spark_jobs/main.py resolve --ds {ds}")
    with lake.step(JOB), Report(settings.home.reports, ds).timed(JOB) as fragment:
        started = time.monotonic()
        warehouse.make_ready()
        lineage = lineage_transport(settings, "dbt")
        dbt = DbtCommand(settings.home.dbt, warehouse.target, lineage, settings.lineage_parent)
        common = variables(settings, ds)
        kept = kept_days(lake, ds, code_digest(common, warehouse.target), full_refresh=full_refresh)
        built = dbt.build(common | _of_kept_days(lake, kept, common["tables_without_days"]))
        say(f"{JOB}: {built} ok on {warehouse.target} in {time.monotonic() - started:.1f} s, {kept}")

        started = time.monotonic()
        staging = lake.staging(JOB)
        rows = publish_marts(warehouse, lake, ds, staging)
        publish_summaries(warehouse, lake, kept, staging)
        warehouse.publish_history(lake, ds, staging)
        listed = ", ".join(f"{table} {count:,}" for table, count in rows.items())
        say(f"{JOB}: published {ds}: {listed} rows in {time.monotonic() - started:.1f} s")
        set_aside = warehouse.set_aside()
        fragment.update(warehouse.counts(), set_aside=set_aside, since=kept.until or None)
        if set_aside:
            listed = ", ".join(f"{value} {rows:,}" for value, rows in set_aside.items())
            say(f"{JOB}: set aside {sum(set_aside.values()):,} rows that the contracts refuse: {listed}")


def variables(settings: Settings, ds: str) -> dict[str, Any]:
    """The variables of dbt for a run that reads all days; writes empty files for tables without any day."""
    lake, warehouse = Lake(settings.home.lake), warehouse_of(settings)
    predicted, assigned, read = (
        [day for day in lake.days(table.name, until=ds) if day < ds]
        for table in (PREDICTIONS, ASSIGNMENTS, PERSON_WORDS)
    )
    return {
        "lake": str(lake.root),
        "ds": ds,
        "memory_limit": duckdb_share(settings.memory),
        "newest_profiles": max([ds, *lake.days(CONSENT.name)]),
        "predicted_on": max(predicted, default=EMPTY_DAY),
        "assigned_on": max(assigned, default=EMPTY_DAY),
        "words_read_on": max(read, default=EMPTY_DAY),
        "tables_without_days": [
            *write_empty_tables(lake, (*TABLES_READ, ASSIGNMENTS), ds),
            *write_empty_tables(lake, (*SUMMARY_TABLES, *TO_DATE_TABLES), EMPTY_DAY),
        ],
        "columns_without_data": columns_without_data(lake, warehouse.target, ds),
        "refused_by_contract": refused_by_contract(),
        "session_silence_minutes": SESSION_SILENCE_MINUTES,
        "house_currency": HOUSE_CURRENCY,
        "most_euros": MOST_EUROS,
        **warehouse.variables(lake, ds),
    }


def _of_kept_days(lake: Lake, kept: KeptDays, without_days: list[str]) -> dict[str, Any]:
    """The variables by which the models go on from kept summaries."""
    summaries = {table.name for table in (*SUMMARY_TABLES, *TO_DATE_TABLES)}
    empty = [name for name in without_days if name not in summaries or not lake.days(name, until=kept.until)]
    written = [day for day in lake.days(INTERACTIONS.name, until=kept.ds) if kept.until < day < kept.ds]
    return {**kept.variables(), "tables_without_days": empty, "days_with_interactions": written}


if __name__ == "__main__":
    exit_with_sentence(main)
