"""Whose lists a person is shown: the champion's, or in the experiment `challenger` those of the version in shadow.

Whoever is in its arm `challenger` has the list of that version, where it ranked the person. Plans, audiences and the
store of the API ask here.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from contracts.lake import Lake
from contracts.tables.activation import ASSIGNMENTS, CHALLENGER
from contracts.tables.served import SCORES, SHADOW_SCORES


def view_shown_lists(connection: duckdb.DuckDBPyConnection, lake: Lake, ds: str) -> None:
    """Make the view `scores` of the lists of a night, with the columns of that table.

    Raises:
        LakeError: nobody was scored on that day.
    """
    lake.require(SCORES.name, ds, made_by=f"python -m serving.score --ds {ds}")
    files = {
        table: [str(file) for file in lake.files(table.name, ds)] for table in (SCORES, SHADOW_SCORES, ASSIGNMENTS)
    }
    if not files[SHADOW_SCORES] or not files[ASSIGNMENTS]:
        connection.read_parquet(files[SCORES]).create_view(SCORES.name)
        return
    connection.read_parquet(files[SCORES]).create_view("lists_of_champion")
    connection.read_parquet(files[SHADOW_SCORES]).create_view("lists_in_shadow")
    connection.read_parquet(files[ASSIGNMENTS]).create_view("arms")
    view_lists_by_arm(connection, SCORES.column_names)


def view_lists_by_arm(connection: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> None:
    """Make the view `scores`, with some columns of that table.

    Args:
        connection: with `lists_of_champion` and `lists_in_shadow`, which have these columns, and `arms` (person_id,
            experiment, arm).
    """
    connection.execute(f"""
        create temp table shown_the_challenger as
        select distinct person_id from lists_in_shadow
        where person_id in (
            select person_id from arms where experiment = '{CHALLENGER}' and arm = '{CHALLENGER}'
        )
    """)
    listed = ", ".join(columns)
    connection.execute(f"""
        create temp view {SCORES.name} as
        select {listed} from lists_of_champion anti join shown_the_challenger using (person_id)
        union all
        select {listed} from lists_in_shadow semi join shown_the_challenger using (person_id)
    """)
