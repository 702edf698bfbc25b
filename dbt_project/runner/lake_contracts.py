"""What the models have to know of the lake's contracts: which rows these refuse, and which columns no file has yet."""

from __future__ import annotations

from contracts.bounds import broken
from contracts.lake import Lake
from contracts.tables.activation import PLAN_BOOKS
from contracts.tables.mapped import MAPPED_TABLES, TEXTS
from contracts.tables.resolved import IDENTIFIERS_OF_NOBODY
from contracts.tables.served import PERSON_WORDS, PREDICTIONS
from dbt_project.runner.parquet import columns_of_days

TABLES_READ = (
    *(table for table in MAPPED_TABLES if table != TEXTS),
    *(IDENTIFIERS_OF_NOBODY, PREDICTIONS, PERSON_WORDS, PLAN_BOOKS),
)
"""The tables of which the models read all days. What people wrote they see as vectors and interests alone."""


def refused_by_contract() -> dict[str, list[tuple[str, str]]]:
    """Table -> column and SQL that is true for a row whose value in it the contract refuses.

    What holds for new rows only is left out: the form of ids that the mapping makes itself, decisions ahead of time.
    """
    return {table.name: broken(table, new_rows=False) for table in TABLES_READ}


def columns_without_data(lake: Lake, engine: str, ds: str) -> dict[str, dict[str, str]]:
    """Table -> column of its contract that no file of it has -> type of that, as the engine (duckdb, spark) writes it.

    A lake of an earlier release has no column that was added since, until the first night that maps.
    """
    missing = {}
    for table in TABLES_READ:
        there = columns_of_days(lake, table) if lake.days(table.name, until=ds) else table.column_names
        missing[table.name] = {
            column.name: getattr(column.parsed_type, engine) for column in table.columns if column.name not in there
        }
    return missing
