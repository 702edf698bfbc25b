"""The lists that people are shown, as a view: the champion's, and in the experiment `challenger` the challenger's.

Whoever is in its arm `challenger` has the list of the version in shadow, where that ranked the person, as in plans and
audiences (`activation/audiences/shown_lists.py`).
"""

from __future__ import annotations

import duckdb

from contracts.lake import Lake
from contracts.tables.activation import ASSIGNMENTS, CHALLENGER
from contracts.tables.served import SCORES, SHADOW_SCORES


def view_shown_lists(connection: duckdb.DuckDBPyConnection, lake: Lake, ds: str) -> None:
    """Make the view `scores`, with the columns of that table.

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
    columns = ", ".join(SCORES.column_names)
    connection.execute(f"""
        create temp table shown_the_challenger as
        select distinct person_id from lists_in_shadow
        where person_id in (
            select person_id from arms where experiment = '{CHALLENGER}' and arm = '{CHALLENGER}'
        )
    """)
    connection.execute(f"""
        create temp view {SCORES.name} as
        select {columns} from lists_of_champion anti join shown_the_challenger using (person_id)
        union all
        select {columns} from lists_in_shadow semi join shown_the_challenger using (person_id)
    """)
