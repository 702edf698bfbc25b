"""Items that the same people acted on: exact, from counts of people.

The score of two items is the cosine of the sets of people who acted on them, times n / (n + SHRINKAGE) for n people in
common (Koren, KDD 2008, section 2.2): what few people say counts less. Both follow from whole numbers alone, so that
the same acts give the same neighbours on every machine. A pair behind which fewer than `LEAST_PEOPLE` people stand has
no score, so that nobody's own taste can be read from the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.dataset
import scipy.sparse

from serving.similarity.best import Pairs, best_pairs
from serving.similarity.items import Items

LEAST_PEOPLE = 5
"""Behind each pair of items."""

SHRINKAGE = 10
"""People in common at which half of the cosine counts; chosen with `python -m bench.neighbours --choose`."""

LATEST_ITEMS = 200
"""Of a person so many items count, the latest: whoever has looked at everything says little of what is similar, and
people of long histories would cost the square of them."""

_PRODUCTS_A_BLOCK = 10_000_000
"""Pairs of acts that are counted at a time: a few hundred megabytes at most, beside the acts themselves."""

_PEOPLE_A_BATCH = 50_000


def read_acts(folder: Path, items: Items) -> scipy.sparse.csr_array:
    """Who acted on what: 1 for each person and item (people, items), int32.

    Args:
        folder: the mart `training_sequences` of a day, whose people agree to training.
    """
    rows = pyarrow.dataset.dataset([str(file) for file in sorted(folder.glob("*.parquet"))])
    lengths, places = [np.zeros(1, "int64")], [np.zeros(0, "int32")]
    for batch in rows.to_batches(columns=["item_ids"], batch_size=_PEOPLE_A_BATCH):
        lists = batch.column("item_ids")
        counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype("int64")
        found = pc.index_in(lists.flatten(), items.ids)
        ends = np.repeat(np.cumsum(counts), counts)
        known = pc.fill_null(found, -1).to_numpy(zero_copy_only=False)
        kept = (ends - np.arange(len(known)) <= LATEST_ITEMS) & (known >= 0)
        person = np.repeat(np.arange(len(counts)), counts)
        lengths.append(np.bincount(person[kept], minlength=len(counts)))
        places.append(known[kept].astype("int32"))
    columns = np.concatenate(places)
    acts = scipy.sparse.csr_array(
        (np.ones(len(columns), "int32"), columns, np.cumsum(np.concatenate(lengths))),
        shape=(sum(map(len, lengths)) - 1, len(items)),
    )
    acts.sum_duplicates()
    acts.data[:] = 1
    return acts


def by_behaviour(
    acts: scipy.sparse.csr_array,
    items: Items,
    *,
    most: int,
    shrinkage: float = SHRINKAGE,
    least_people: int = LEAST_PEOPLE,
) -> Pairs:
    """The neighbours of each item among the candidates.

    Args:
        acts: 1 for each person and item (people, items).
    """
    people_of = np.asarray(acts.sum(axis=0)).ravel().astype("int64")  # (items,)
    people = acts.T.tocsr()  # (items, people)
    named = acts[:, items.candidates].tocsr()  # (people, candidates)
    parts = []
    for block in _blocks(people, np.diff(named.indptr)):
        counts = (people[block] @ named).tocoo()  # (items of the block, candidates)
        enough = counts.data >= least_people
        common = counts.data[enough].astype("float64")
        of_item = counts.row[enough] + block.start
        other = items.candidates[counts.col[enough]]
        distinct = items.variant_of[of_item] != items.variant_of[other]
        common, of_item, other = common[distinct], of_item[distinct], other[distinct]
        cosine = common / np.sqrt(people_of[of_item] * people_of[other])
        parts.append(best_pairs(of_item, other, cosine * common / (common + shrinkage), most=most))
    return Pairs.together(parts)


def _blocks(people: scipy.sparse.csr_array, lengths: np.ndarray) -> Iterator[slice]:
    """Items one after another, as many at a time as bring no more products than a block may.

    Args:
        people: who acted on each item (items, people).
        lengths: acts of each person (people,).
    """
    cost = np.append(0, np.cumsum(lengths[people.indices], dtype="int64"))[people.indptr]  # (items + 1,)
    start, count = 0, people.shape[0]
    while start < count:
        stop = int(np.searchsorted(cost, cost[start] + _PRODUCTS_A_BLOCK, side="right")) - 1
        stop = min(count, max(start + 1, stop))
        yield slice(start, stop)
        start = stop
