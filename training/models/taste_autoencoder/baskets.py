"""Who chose what, as sparse rows of zeros and ones; the split by person, so that the test is on newcomers.

Strong generalisation (Liang et al., 2018, arXiv:1802.05814, section 4.2): held-out people take no part in training at
all. For each of them 80 % of the items are visible to the model (folded in), and the other 20 % are hidden and ranked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from contracts.errors import NothingToLearn
from training.parts import Part
from training.sequences.flat_arrays import ACTS_A_PIECE, pieces, room_for
from training.sequences.histories import Sequences
from training.sequences.sampling import draws, hash_of_ids, sample_of_people

LEAST_ITEMS = 5
"""Fewest items of a person who may be held out; people with fewer are always in the training part."""
FOLDED_IN = 0.8
"""Share of a held-out person's items that is visible to the model."""
TRAINED_ON, FOR_VALIDATION = 0.8, 0.1
"""Shares of the people in training and validation; the rest is the test."""


@dataclass(frozen=True)
class FoldIn:
    """Held-out people: their items that are visible to a model, and the hidden ones that it should rank high."""

    people: np.ndarray
    """Indices of the people in the baskets (people,)."""
    visible: csr_matrix
    """(people, distinct)"""
    hidden: csr_matrix
    """(people, distinct)"""

    def __len__(self) -> int:
        return len(self.people)


@dataclass(frozen=True)
class Baskets:
    """People and the items that each chose; parts and fold-ins depend on ids alone and stay from night to night."""

    person_ids: np.ndarray
    """(people,)"""
    distinct_ids: np.ndarray
    """All items, sorted (distinct,)."""
    rows: csr_matrix
    """1 where a person chose an item; many are in a file (people, distinct)."""
    evaluated_people: int = 0
    """Most people of validation and of test, each a sample of those who are held out; 0 for all of them."""

    @cached_property
    def trained_on(self) -> np.ndarray:
        """Indices of the people of the training part (training people,)."""
        return np.flatnonzero(self._part == Part.TRAIN)

    @cached_property
    def validation(self) -> FoldIn:
        return self.fold_in(self._evaluated(Part.VALIDATION))

    @cached_property
    def test(self) -> FoldIn:
        return self.fold_in(self._evaluated(Part.TEST))

    @cached_property
    def held_out(self) -> int:
        """Number of people of the test part, of whom `test` may be a sample."""
        return int(np.count_nonzero(self._part == Part.TEST))

    @cached_property
    def counts(self) -> np.ndarray:
        """People of the training part who chose each item (distinct,)."""
        counts = np.zeros(len(self.distinct_ids), int)
        for some in self._pieces():
            counts += np.bincount(self.rows[self.trained_on[some]].indices, minlength=len(counts))
        return counts

    @cached_property
    def known(self) -> np.ndarray:
        """Indices in `distinct_ids` of the items of the training part, which a model can know (items,)."""
        return np.flatnonzero(self.counts)

    @property
    def training_rows(self) -> csr_matrix:
        """The rows of the training part in memory, for what needs all at once (training people, items)."""
        return self.rows[self.trained_on][:, self.known].tocsr()

    def with_any(self, columns: np.ndarray) -> np.ndarray:
        """The people of the training part who chose any of these items, given by their places (people,)."""
        among = np.zeros(len(self.distinct_ids), bool)
        among[columns] = True
        chosen = [self.rows[self.trained_on[some]] @ among.astype("float32") > 0 for some in self._pieces()]
        return self.trained_on[np.concatenate([np.empty(0, bool), *chosen])]

    def _pieces(self) -> Iterator[slice]:
        """Slices of `trained_on` whose rows are small enough to be copied."""
        return pieces(np.diff(self.rows.indptr)[self.trained_on])

    def rows_of(self, item_ids: np.ndarray) -> csr_matrix:
        """Which of these items the people of the training part chose (training people, items)."""
        columns = pd.Index(self.distinct_ids).get_indexer(item_ids)
        rows = self.rows[self.trained_on][:, np.maximum(columns, 0)].tocsr()
        return rows.multiply(columns >= 0).tocsr()

    def content_hash(self) -> str:
        """SHA-256 over everything that training reads: equal hashes are equal data."""
        total = hashlib.sha256()
        for texts in (self.person_ids, self.distinct_ids):
            total.update("\n".join(texts).encode() + b"\0")
        for numbers in (self.rows.indices, self.rows.indptr):
            for start in range(0, len(numbers), ACTS_A_PIECE):
                total.update(numbers[start : start + ACTS_A_PIECE].astype("int64").tobytes())
        if max(np.bincount(self._part, minlength=3)[[Part.VALIDATION, Part.TEST]]) > self.evaluated_people > 0:
            total.update(f"{self.evaluated_people} people evaluated".encode())
        return total.hexdigest()

    @cached_property
    def _part(self) -> np.ndarray:
        """A `Part` (people,)."""
        drawn = draws(hash_of_ids(self.person_ids))
        part = np.digitize(drawn, [TRAINED_ON, TRAINED_ON + FOR_VALIDATION])
        return np.where(np.diff(self.rows.indptr) >= LEAST_ITEMS, part, Part.TRAIN)

    def _evaluated(self, part: Part) -> np.ndarray:
        return sample_of_people(self.person_ids, np.flatnonzero(self._part == part), self.evaluated_people)

    def some_of(self, held_out: FoldIn, most: int) -> FoldIn:
        """A sample of at most `most` held-out people."""
        people = sample_of_people(self.person_ids, held_out.people, most)
        return held_out if len(people) == len(held_out) else self.fold_in(people)

    def fold_in(self, people: np.ndarray) -> FoldIn:
        """Any people, each with a visible and a hidden part of the items; the parts are the same in every call."""
        rows = self.rows[people]
        lengths = np.diff(rows.indptr)
        person = np.repeat(np.arange(len(people)), lengths)
        of_persons, of_items = hash_of_ids(self.person_ids[people]), hash_of_ids(self.distinct_ids)
        order = np.lexsort((draws(of_persons[person] * _ODD + of_items[rows.indices]), person))
        rank = np.arange(len(order)) - rows.indptr[:-1][person]  # of each draw among those of the person
        visible = rank < np.floor(FOLDED_IN * lengths)[person]
        items = rows.indices[order]
        return FoldIn(people, *(_binary(person[side], items[side], rows.shape) for side in (visible, ~visible)))


def baskets_of(person_ids: np.ndarray, people: np.ndarray, item_ids: np.ndarray) -> Baskets:
    """Baskets from a list of choices; a repeated choice counts once.

    Args:
        person_ids: of all people, sorted (people,).
        people: index in `person_ids` of the person of each choice (choices,).
        item_ids: item of each choice (choices,).
    """
    distinct_ids, items = np.unique(item_ids.astype(str), return_inverse=True)
    return Baskets(person_ids, distinct_ids, _binary(people, items, (len(person_ids), len(distinct_ids))))


def baskets_from(sequences: Sequences) -> Baskets:
    """The baskets of the people in sequences, with the same bound of people who are evaluated.

    Order and time of their acts are dropped.
    """
    lengths = np.diff(sequences.offsets)
    items = room_for(len(sequences.acts), "int32", sequences.scratch)
    ones = room_for(len(sequences.acts), "float32", sequences.scratch)
    ends, filled = np.zeros(len(lengths) + 1, int), 0
    for some in pieces(lengths):
        acts = sequences.acts[sequences.offsets[some.start] : sequences.offsets[some.stop]]
        people = np.repeat(np.arange(some.stop - some.start), lengths[some])
        rows = _binary(people, acts, (some.stop - some.start, len(sequences.item_ids)))
        now = slice(filled, filled + rows.nnz)
        items[now], ones[now] = rows.indices, 1.0
        ends[some.start + 1 : some.stop + 1] = filled + rows.indptr[1:]
        filled = now.stop
    if filled < np.iinfo("int32").max:
        ends = ends.astype("int32")  # else the matrix would hold a copy of the items in 64 bits
    shape = len(sequences.person_ids), len(sequences.item_ids)
    rows = csr_matrix((ones[:filled], items[:filled], ends), shape=shape)
    return Baskets(sequences.person_ids, sequences.item_ids, rows, sequences.evaluated_people)


def require_enough(baskets: Baskets, *, people: int, items: int = 2) -> None:
    """Refuse data on which no model can be trained or measured.

    Raises:
        NothingToLearn: a part has too few people, or there are too few items.
    """
    fewest = min(len(baskets.validation), len(baskets.test))
    if fewest < people:
        raise NothingToLearn(
            expected=f"at least {people} people with {LEAST_ITEMS} or more items to validate on and as many to test on",
            received=f"{fewest}, among {len(baskets.person_ids)} people who agreed to training",
            remedy="wait for more data, or map more days",
        )
    if len(baskets.known) < items:
        raise NothingToLearn(
            expected=f"at least {items} different items to choose between",
            received=f"{len(baskets.known)}",
            remedy="wait for more data, or map more sources that mention items",
        )


_ODD = np.uint64(0x9E3779B97F4A7C15)


def _binary(people: np.ndarray, items: np.ndarray, shape: tuple[int, int]) -> csr_matrix:
    rows = csr_matrix((np.ones(len(items), "float32"), (people, items)), shape=shape)
    rows.sum_duplicates()
    rows.data[:] = 1.0
    return rows
