"""Scores of an earlier day that still hold: a night scores those for whom something changed, and keeps the rest.

What a person is recommended follows from the person's history, the champions, the catalogue's titles and categories,
what campaigns carry, the rules, what the person may buy again, and this code. A hash of all that stands beside each
person in `predictions`. Where it is the same tonight, so are the rows, but for what can be had: that changes every day,
and must not have everybody scored. Whose list holds an item that may not be shown any more is scored again, and so is
whose list would have held one that may be shown again, or was re-ranked among one that may not any more: `predictions`
has these as `passed_over`. All others would get the same list, but for items that are new to the catalogue: these reach
people as they come.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
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
from lake_tables import shown
from lake_tables.arrow import arrow_schema, read_table
from lake_tables.shown.rules import Rules
from serving.scoring.champions import Champions
from serving.scoring.marts import Marts
from serving.scoring.shelf import Shelf

_CODE = Path(__file__).parent

ShelfOf = Callable[[str], Shelf]
"""A night's day to its shelf."""


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
    def by_inputs(
        cls, lake: Lake, ds: str, people: np.ndarray, inputs: np.ndarray, shelf: Shelf, shelf_of: ShelfOf
    ) -> KeptScores:
        """Those whose scores follow from the same as on the latest earlier day that has predictions.

        Args:
            people: ids, sorted (people,).
            inputs: what `inputs_of` finds (people,).
            shelf_of: the shelf of an earlier night, by the rules and campaigns of tonight: where these were others,
                inputs differ.
        """
        earlier = [day for day in lake.days(PREDICTIONS.name, until=ds) if day < ds]
        if not earlier or not lake.files(ITEM.name, earlier[-1]) or not lake.files(SCORES.name, earlier[-1]):
            return cls.none(lake, people)
        since = earlier[-1]
        columns = ["inputs", "passed_over"]
        before = read_table(lake.partition(PREDICTIONS.name, since), ["person_id"], optional=columns)
        if not {*columns} <= {*before.column_names}:
            return cls.none(lake, people)
        shelf_before = shelf_of(since)
        gone, back = _changed(shelf_before, shelf)
        if any(one.count < one.wanted for one in (*shelf_before.asked, *shelf.asked)) and back:
            return cls.none(lake, people)  # who gets all that there is of a category would get an item more
        places = pd.Index(before["person_id"].to_numpy()).get_indexer(people)
        known = np.append(before["inputs"].to_numpy(), None)[places]  # of those who are not there, the last
        keeps = pd.notna(inputs) & (known == inputs)
        keeps &= ~np.append(_holding(before["passed_over"], gone | back), False)[places]
        return cls(lake, since, keeps & ~_naming(lake, since, people, gone))

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
        gone = frozenset(shelf.catalogue.item_ids[~shelf.best.may])
        return cls(lake, since, keeps & ~_naming(lake, since, people, gone))

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


def inputs_of(
    people: np.ndarray, marts: Marts, champions: Champions, shelf: Shelf, rules: Rules, due: pa.Table
) -> np.ndarray:
    """What each person's scores and taste follow from, as a hash; None where popularity ranks (people,).

    Args:
        people: ids, sorted (people,).
        due: what `items_due` finds.
    """
    next_item, taste = champions.get("next_item"), champions.get("taste_autoencoder")
    if next_item is None:
        return np.full(len(people), None, dtype=object)
    night = hashlib.sha256()
    for file in (*sorted(_CODE.glob("*.py")), *sorted(Path(shown.__file__).parent.glob("*.py"))):
        night.update(file.read_bytes())
    models = [champion for champion in (next_item, taste) if champion is not None]
    night.update(repr([champion.name for champion in models]).encode())
    demand = (sorted(shelf.demand.categories.items()), sorted(shelf.demand.own.items()), shelf.demand.most)
    pinned = [shelf.catalogue.item_ids[showcase.pinned].tolist() for showcase in shelf.showcases]
    night.update(repr((demand, pinned, rules.sha256)).encode())
    learned = [getattr(one.model, "learned_ids", one.model.item_ids) for one in models]
    vocabulary = pd.DataFrame({"item_id": np.unique(np.concatenate(learned))})
    with duckdb.connect(config=duckdb_config()) as connection:
        histories, tastes = marts.histories, marts.tastes
        tables = {"items": marts.items, "vocabulary": vocabulary, "histories": histories, "tastes": tastes, "due": due}
        for name, rows in tables.items():
            connection.register(name, rows)
        described = ["item_id", "title", "category", "brand", *(["margin"] if rules.margin_weight else [])]
        catalogue = connection.execute(
            f"select bit_xor(hash({', '.join(described)})), count(*) from items semi join vocabulary using (item_id)"
        ).fetchone()
        night.update(repr(catalogue).encode())
        parts = [*(f"histories.{name}" for name in histories.column_names), "due.item_ids"]
        if next_item.model.taste:
            parts.append("tastes.taste_vector")
        found = connection.execute(f"""
            select person_id, printf('%016x', hash('{night.hexdigest()}', {", ".join(parts)})) as inputs
            from histories left join tastes using (person_id) left join due using (person_id)
        """).to_arrow_table()
    places = pd.Index(found["person_id"].to_numpy()).get_indexer(people)
    return np.append(found["inputs"].to_numpy(), f"without acts {night.hexdigest()[:16]}")[places]


def _scored(lake: Lake, table: Table, since: str) -> Path:
    return lake.require(table.name, since, made_by=f"python -m serving.score --ds {since}")


def _changed(before: Shelf, tonight: Shelf) -> tuple[frozenset[str], frozenset[str]]:
    """Items that may not stand any more in a list of the same kind, and those that may again."""
    gone, back = set(), set()
    for earlier, now in zip(before.showcases, tonight.showcases, strict=True):
        then, since = (set(one.catalogue.item_ids[one.may].tolist()) for one in (earlier, now))
        gone |= then - since
        back |= since - then
    return frozenset(gone), frozenset(back)


def _holding(lists: pa.ChunkedArray, items: frozenset[str]) -> np.ndarray:
    """Which lists hold one of some items (lists,)."""
    lists = lists.combine_chunks()
    found = np.zeros(len(lists), bool)
    if items:
        hit = pc.is_in(pc.list_flatten(lists), pa.array(sorted(items), pa.string()))
        found[pc.list_parent_indices(lists).filter(hit).to_numpy()] = True
    return found


def _naming(lake: Lake, since: str, people: np.ndarray, items: frozenset[str]) -> np.ndarray:
    """Whose scores of a day name one of some items (people,)."""
    if not items:
        return np.zeros(len(people), bool)
    wanted = pc.field("item_id").isin(pa.array(sorted(items), pa.string()))
    rows = read_table(_scored(lake, SCORES, since), ["person_id"], where=wanted)
    return pd.Index(people).isin(rows["person_id"].to_numpy())
