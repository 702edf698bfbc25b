"""Histories of acts up to the day, as the champions read them, a batch of people at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.lake import Lake
from contracts.tables.marts import SCORING_SEQUENCES
from contracts.tables.served import PREDICTIONS
from lake_tables.arrow import read_mart, read_table

COLUMNS = ("history", "occurred_at", "strongest_actions", "taste_vector")

_PEOPLE_A_BATCH = 4096


def read_histories(lake: Lake, ds: str) -> pa.Table:
    """One row a person with acts, of those who agreed to personalisation.

    Returns:
        person_id, history (item ids, oldest first), occurred_at (seconds since 1970, UTC), and strongest_actions (one
        an item) where the release that built the mart knew it.

    Raises:
        LakeError: the marts of that day were not built.
    """
    columns = ["person_id", "item_ids", "occurred_at"]
    table = read_mart(lake, SCORING_SEQUENCES.name, ds, columns, optional=["strongest_actions"])
    times = table["occurred_at"].combine_chunks()
    seconds = times.flatten().cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy() / 1e6
    lists = pa.ListArray.from_arrays(times.offsets, pa.array(seconds))
    return table.set_column(2, "occurred_at", lists).rename_columns({"item_ids": "history"})


def read_tastes(lake: Lake, ds: str) -> pa.Table:
    """person_id and taste_vector on the latest earlier day that has predictions, as training reads them."""
    earlier = [day for day in lake.days(PREDICTIONS.name, until=ds) if day < ds]
    if not earlier:
        return pa.table({"person_id": pa.array([], pa.string()), "taste_vector": pa.array([], pa.list_(pa.float64()))})
    return read_table(lake.partition(PREDICTIONS.name, earlier[-1]), ["person_id", "taste_vector"])


def in_batches(people: np.ndarray, *tables: pa.Table) -> Iterator[tuple[np.ndarray, pd.DataFrame]]:
    """A batch of people and, a row each, what `COLUMNS` names of them; an empty list where nothing is known.

    Args:
        people: person ids (people,).
        tables: each with a column person_id, and some of `COLUMNS`.
    """
    found = [(table, pd.Index(table["person_id"].to_numpy()).get_indexer(people)) for table in tables]
    for start in range(0, len(people), _PEOPLE_A_BATCH):
        batch = slice(start, start + _PEOPLE_A_BATCH)
        rows = {name: _lists(table[name], places[batch]) for table, places in found for name in table.column_names[1:]}
        yield people[batch], pd.DataFrame({name: pd.Series(rows[name], dtype=object) for name in rows})


def _lists(column: pa.ChunkedArray, places: np.ndarray) -> list[list]:
    known = iter(column.take(places[places >= 0]).to_pylist())
    return [(next(known) or []) if place >= 0 else [] for place in places]
