"""Scores of an earlier day that still hold: a night scores those for whom something changed, and keeps the rest.

What a person is recommended follows from the person's history, the champions, the catalogue's titles and categories,
what campaigns carry, and this code. A hash of all that stands beside each person in `predictions`. Where it is the same
tonight, so are the rows; but nobody keeps an item that has ended since, and where an item came back, all are scored.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from contracts.lake import Lake
from contracts.schema import Table
from contracts.settings import duckdb_config
from contracts.tables.marts import ITEM
from contracts.tables.resolved import IDENTITY_CHANGES
from contracts.tables.served import PREDICTIONS, SCORES
from lake_tables.arrow import arrow_schema, read_mart, read_table
from serving.scoring.champions import Champions
from serving.scoring.marts import Marts
from serving.scoring.shelf import Shelf

_CODE = Path(__file__).parent


@dataclass(frozen=True)
class KeptScores:
    """Who keeps what was published for an earlier day."""

    lake: Lake
    since: str
    """The earlier day; empty where nobody keeps anything."""
    keeps: np.ndarray
    """For everybody who may be scored, in the order of their ids (people,)."""

    @classmethod
    def none(cls, lake: Lake, people: np.ndarray) -> KeptScores:
        return cls(lake, "", np.zeros(len(people), bool))

    @classmethod
    def by_inputs(cls, lake: Lake, ds: str, people: np.ndarray, inputs: np.ndarray, shelf: Shelf) -> KeptScores:
        """Those whose scores follow from the same as on the latest earlier day that has predictions.

        Args:
            people: ids, sorted (people,).
            inputs: what `inputs_of` finds (people,).
        """
        earlier = [day for day in lake.days(PREDICTIONS.name, until=ds) if day < ds]
        if not earlier or not lake.files(ITEM.name, earlier[-1]) or not lake.files(SCORES.name, earlier[-1]):
            return cls.none(lake, people)
        since = earlier[-1]
        ended = _ended(lake, since)
        if not ended <= shelf.ended:
            return cls.none(lake, people)
        before = read_table(lake.partition(PREDICTIONS.name, since), ["person_id"], optional=["inputs"])
        if "inputs" not in before.column_names:
            return cls.none(lake, people)
        places = pd.Index(before["person_id"].to_numpy()).get_indexer(people)
        known = np.append(before["inputs"].to_numpy(), None)[places]  # of those who are not there, the last
        keeps = pd.notna(inputs) & (known == inputs)
        return cls(lake, since, keeps & ~_naming(lake, since, people, shelf.ended - ended))

    @classmethod
    def by_identity(cls, lake: Lake, ds: str, since: str, people: np.ndarray, shelf: Shelf) -> KeptScores:
        """Those who were scored on the day `since` and gained or lost no identifier after it and up to `ds`.

        Raises:
            LakeError: nothing was scored on the day `since`.
        """
        changed: set[str] = set()
        for day in lake.days(IDENTITY_CHANGES.name, until=ds):
            if day > since:
                both = read_table(lake.partition(IDENTITY_CHANGES.name, day), ["person_id", "former_person_id"])
                changed |= {name for column in both.columns for name in column.to_pylist()}
        ids = pd.Index(people)
        scored = read_table(_scored(lake, PREDICTIONS, since), ["person_id"])["person_id"].to_numpy()
        keeps = ids.isin(scored) & ~ids.isin(changed)
        return cls(lake, since, keeps & ~_naming(lake, since, people, shelf.ended))

    def rows(self, table: Table, people: np.ndarray, keeps: np.ndarray) -> pa.Table:
        """The rows of the earlier day of those among some people who keep them, by the key of the table.

        Args:
            people: ids, sorted (people,).
            keeps: a part of the attribute of that name (people,).
        """
        if not keeps.any():
            return arrow_schema(table).empty_table()
        rows = read_table(
            _scored(self.lake, table, self.since),
            table.required,
            optional=[name for name in table.column_names if name not in table.required],
            people=(people[0], people[-1]),
        )
        rows = rows.filter(pc.is_in(rows["person_id"], pa.array(people[keeps], pa.string())))
        for column in arrow_schema(table):
            if column.name not in rows.column_names:
                rows = rows.append_column(column.name, pa.nulls(len(rows), column.type))
        return rows.select(table.column_names).cast(arrow_schema(table))


def inputs_of(people: np.ndarray, marts: Marts, champions: Champions, shelf: Shelf) -> np.ndarray:
    """What each person's scores and taste follow from, as a hash; None where popularity ranks (people,).

    Args:
        people: ids, sorted (people,).
    """
    next_item, taste = champions.get("next_item"), champions.get("taste_autoencoder")
    if next_item is None:
        return np.full(len(people), None, dtype=object)
    night = hashlib.sha256()
    for file in sorted(_CODE.glob("*.py")):
        night.update(file.read_bytes())
    models = [champion for champion in (next_item, taste) if champion is not None]
    night.update(repr([champion.name for champion in models]).encode())
    night.update(repr((sorted(shelf.categories.items()), shelf.carried)).encode())
    vocabulary = pd.DataFrame({"item_id": np.unique(np.concatenate([one.model.item_ids for one in models]))})
    with duckdb.connect(config=duckdb_config()) as connection:
        items, histories, tastes = marts.items[["item_id", "title", "category"]], marts.histories, marts.tastes
        for name, rows in {"items": items, "vocabulary": vocabulary, "histories": histories, "tastes": tastes}.items():
            connection.register(name, rows)
        catalogue = connection.execute(
            "select bit_xor(hash(item_id, title, category)), count(*) from items semi join vocabulary using (item_id)"
        ).fetchone()
        night.update(repr(catalogue).encode())
        parts = [f"histories.{name}" for name in histories.column_names]
        if next_item.model.taste:
            parts.append("tastes.taste_vector")
        found = connection.execute(f"""
            select person_id, printf('%016x', hash('{night.hexdigest()}', {", ".join(parts)})) as inputs
            from histories left join tastes using (person_id)
        """).to_arrow_table()
    places = pd.Index(found["person_id"].to_numpy()).get_indexer(people)
    return np.append(found["inputs"].to_numpy(), f"without acts {night.hexdigest()[:16]}")[places]


def _scored(lake: Lake, table: Table, since: str) -> Path:
    return lake.require(table.name, since, made_by=f"python -m serving.score --ds {since}")


def _ended(lake: Lake, ds: str) -> frozenset[str]:
    items = read_mart(lake, ITEM.name, ds, ["item_id"], optional=["available"])
    if "available" not in items.column_names:
        return frozenset()
    return frozenset(items.filter(pc.invert(items["available"]))["item_id"].to_pylist())


def _naming(lake: Lake, since: str, people: np.ndarray, items: frozenset[str]) -> np.ndarray:
    """Whose scores of a day name one of some items (people,)."""
    if not items:
        return np.zeros(len(people), bool)
    wanted = pc.field("item_id").isin(pa.array(sorted(items), pa.string()))
    rows = read_table(_scored(lake, SCORES, since), ["person_id"], where=wanted)
    return pd.Index(people).isin(rows["person_id"].to_numpy())
