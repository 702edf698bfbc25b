"""A night's diff of the scores: who is scored again because the person changed, and what everyone else keeps."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.lake import Lake
from contracts.schema import Table
from contracts.tables.resolved import IDENTITY_CHANGES
from contracts.tables.served import PREDICTIONS, SCORES
from lake_tables.arrow import arrow_schema, read_table


def people_to_rescore(lake: Lake, ds: str, since: str, people: np.ndarray) -> np.ndarray:
    """Those whose person gained or lost an identifier after the day `since` and up to `ds`, and those not scored then.

    Args:
        people: ids of everyone who may be scored (people,).

    Raises:
        LakeError: nothing was scored on the day `since`.
    """
    changed: set[str] = set()
    for day in lake.days(IDENTITY_CHANGES.name, until=ds):
        if day > since:
            both = read_table(lake.partition(IDENTITY_CHANGES.name, day), ["person_id", "former_person_id"])
            changed |= {name for column in both.columns for name in column.to_pylist()}
    scored = carried_over(lake, PREDICTIONS, since, people)["person_id"].to_pylist()
    return people[np.isin(people, list(changed)) | ~np.isin(people, scored)]


def people_with_ended_items(lake: Lake, since: str, people: np.ndarray, ended: frozenset[str]) -> np.ndarray:
    """Those whose scores of the day `since` name an item that is not available any more.

    Raises:
        LakeError: nothing was scored on that day.
    """
    rows = carried_over(lake, SCORES, since, people)
    named = rows.filter(pc.is_in(rows["item_id"], pa.array(sorted(ended), pa.string())))
    return np.unique(named["person_id"].to_numpy())


def carried_over(lake: Lake, table: Table, since: str, people: np.ndarray) -> pa.Table:
    """The rows of some people as they were published for the day `since`.

    Raises:
        LakeError: nothing was scored on that day.
    """
    folder = lake.require(table.name, since, made_by=f"python -m serving.score --ds {since}")
    rows = read_table(folder, table.column_names)
    return rows.filter(pc.is_in(rows["person_id"], pa.array(people, pa.string()))).cast(arrow_schema(table))
