"""Who chose what, as sparse rows of zeros and ones; split by time, or by person in benchmarks.

A night splits by time: what people chose before the days of the validation is learned from. In those days, and in the
days of the test, the new items of a person are hidden and ranked, and all that the person had chosen before is visible.
A tenth of the people are strangers, never learned from: only they show what a model remembers of the others.

In benchmarks, strong generalisation (Liang et al., 2018, arXiv:1802.05814, section 4.2): held-out people take no part
in training at all. For each of them 80 % of the items are visible to the model (folded in), and the other 20 % are
hidden and ranked.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from contracts.errors import NothingToLearn
from training.parts import Part, TimeSplit
from training.sequences.flat_arrays import ACTS_A_PIECE, pieces, places_of, room_for
from training.sequences.histories import Sequences
from training.sequences.sampling import draws, hash_of_ids, sample_of_people

LEAST_ITEMS = 5
"""Fewest items of a person who may be held out; people with fewer are always in the training part."""
FOLDED_IN = 0.8
"""Share of a held-out person's items that is visible to the model."""
TRAINED_ON, FOR_VALIDATION = 0.8, 0.1
"""Shares of the people in training and validation; the rest is the test."""
STRANGERS_FROM = 0.9
"""Where days are held out, the people who draw a higher number by their id are strangers."""


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

    def take(self, places: np.ndarray) -> FoldIn:
        """Some of these people, by their places here."""
        return FoldIn(self.people[places], self.visible[places], self.hidden[places])


@dataclass(frozen=True)
class LaterChoices:
    """What people chose before the validation, in its days, and in the days of the test, whatever is learned from."""

    windows: tuple[csr_matrix, csr_matrix, csr_matrix]
    """Choices before the validation, in it, and in the test (people, distinct)."""
    sequences: Sequences
    """The acts that the choices come from."""

    @property
    def split(self) -> TimeSplit:
        return self.sequences.split

    def people(self, part: Part) -> np.ndarray:
        """Indices of the people who chose something in the days of a part, and something before (people,)."""
        before = sum(np.diff(rows.indptr) for rows in self.windows[:part])
        return np.flatnonzero((np.diff(self.windows[part].indptr) > 0) & (before > 0))

    def fold_in(self, people: np.ndarray, part: Part) -> FoldIn:
        """Some people, with all that they had chosen before a part visible, and what they chose in it hidden."""
        before = [rows[people] for rows in self.windows[:part]]
        return FoldIn(people, sum(before[1:], start=before[0]).tocsr(), self.windows[part][people])


@dataclass(frozen=True)
class Baskets:
    """People and the items that each chose; parts and fold-ins depend on ids alone and stay from night to night."""

    person_ids: np.ndarray
    """(people,)"""
    distinct_ids: np.ndarray
    """All items, sorted (distinct,)."""
    rows: csr_matrix
    """1 where a person chose an item, in the days that are learned from; many are in a file (people, distinct)."""
    evaluated_people: int = 0
    """Most people of validation and of test, each a sample of those who are held out; 0 for all of them."""
    later: LaterChoices | None = None
    """What people chose in the days of validation and test; None where people are held out instead of days."""

    @cached_property
    def trained_on(self) -> np.ndarray:
        """Indices of the people of the training part (training people,)."""
        if self.later is not None:
            return np.flatnonzero((self._drawn < STRANGERS_FROM) & (np.diff(self.rows.indptr) > 0))
        return np.flatnonzero(self._part == Part.TRAIN)

    @cached_property
    def strangers(self) -> np.ndarray:
        """Indices of people whom a training never sees, and who chose as much as those whom attacks look at."""
        if self.later is not None:
            return np.flatnonzero((self._drawn >= STRANGERS_FROM) & (np.diff(self.rows.indptr) >= LEAST_ITEMS))
        return np.concatenate([self.validation.people, self.test.people])

    @cached_property
    def validation(self) -> FoldIn:
        return self.fold_in(self._evaluated(Part.VALIDATION)) if self.later is None else self._window(Part.VALIDATION)

    @cached_property
    def test(self) -> FoldIn:
        return self.fold_in(self._evaluated(Part.TEST)) if self.later is None else self._window(Part.TEST)

    @cached_property
    def held_out(self) -> int:
        """Number of people of the test part, of whom `test` may be a sample."""
        if self.later is not None:
            return len(self.later.people(Part.TEST))
        return int(np.count_nonzero(self._part == Part.TEST))

    def everything(self) -> Baskets:
        """The same people and days held out, with the choices of all days to learn from."""
        return baskets_from(dataclasses.replace(self.later.sequences, everything=True))

    def _window(self, part: Part) -> FoldIn:
        """The people of a part that is days, all that they had chosen before, and what they chose in it."""
        return self.later.fold_in(
            sample_of_people(self.person_ids, self.later.people(part), self.evaluated_people), part
        )

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
        for rows in (self.rows, *(() if self.later is None else self.later.windows)):
            for numbers in (rows.indices, rows.indptr):
                for start in range(0, len(numbers), ACTS_A_PIECE):
                    total.update(numbers[start : start + ACTS_A_PIECE].astype("int64").tobytes())
        if self._most_held_out > self.evaluated_people > 0:
            total.update(f"{self.evaluated_people} people evaluated".encode())
        return total.hexdigest()

    @property
    def _most_held_out(self) -> int:
        """The larger number of people of validation and test, before any sample."""
        if self.later is not None:
            return max(len(self.later.people(part)) for part in (Part.VALIDATION, Part.TEST))
        return int(max(np.bincount(self._part, minlength=3)[[Part.VALIDATION, Part.TEST]]))

    @cached_property
    def _drawn(self) -> np.ndarray:
        """A number from 0 to 1 for each person (people,)."""
        return draws(hash_of_ids(self.person_ids))

    @cached_property
    def _part(self) -> np.ndarray:
        """A `Part` where people are held out (people,)."""
        part = np.digitize(self._drawn, [TRAINED_ON, TRAINED_ON + FOR_VALIDATION])
        return np.where(np.diff(self.rows.indptr) >= LEAST_ITEMS, part, Part.TRAIN)

    def _evaluated(self, part: Part) -> np.ndarray:
        return sample_of_people(self.person_ids, np.flatnonzero(self._part == part), self.evaluated_people)

    def some_of(self, held_out: FoldIn, most: int) -> FoldIn:
        """A sample of at most `most` held-out people."""
        people = sample_of_people(self.person_ids, held_out.people, most)
        return held_out if len(people) == len(held_out) else held_out.take(np.searchsorted(held_out.people, people))

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
    """The baskets of the people in sequences, with the same days held out and the same bound of people.

    Order and time of their acts are dropped.
    """
    starts, ends = sequences.offsets[:-1], sequences.offsets[1:]
    if sequences.split is None:
        return Baskets(
            sequences.person_ids, sequences.item_ids, _rows(sequences, starts, ends), sequences.evaluated_people
        )
    split = sequences.split
    cuts = starts, sequences.ends_before(split.validation_from), sequences.ends_before(split.test_from), ends
    windows = tuple(_rows(sequences, *cut) for cut in itertools.pairwise(cuts))
    rows = _rows(sequences, starts, ends) if sequences.everything else windows[Part.TRAIN]
    later = LaterChoices(windows, sequences)
    return Baskets(sequences.person_ids, sequences.item_ids, rows, sequences.evaluated_people, later)


def _rows(sequences: Sequences, starts: np.ndarray, ends: np.ndarray) -> csr_matrix:
    """The items that each person chose between two places in the acts (people, distinct)."""
    lengths = ends - starts
    items = room_for(int(lengths.sum()), "int32", sequences.scratch)
    ones = room_for(int(lengths.sum()), "float32", sequences.scratch)
    row_ends, filled = np.zeros(len(lengths) + 1, int), 0
    for some in pieces(lengths):
        acts = sequences.acts[places_of(starts[some], lengths[some])]
        people = np.repeat(np.arange(some.stop - some.start), lengths[some])
        rows = _binary(people, acts, (some.stop - some.start, len(sequences.item_ids)))
        now = slice(filled, filled + rows.nnz)
        items[now], ones[now] = rows.indices, 1.0
        row_ends[some.start + 1 : some.stop + 1] = filled + rows.indptr[1:]
        filled = now.stop
    if filled < np.iinfo("int32").max:
        row_ends = row_ends.astype("int32")  # else the matrix would hold a copy of the items in 64 bits
    shape = len(sequences.person_ids), len(sequences.item_ids)
    return csr_matrix((ones[:filled], items[:filled], row_ends), shape=shape)


def require_enough(baskets: Baskets, *, people: int, items: int = 2) -> None:
    """Refuse data on which no model can be trained or measured.

    Raises:
        NothingToLearn: a part has too few people, or there are too few items.
    """
    fewest = min(len(baskets.validation), len(baskets.test))
    if fewest < people:
        raise NothingToLearn(
            expected=f"at least {people} people with {_enough_to_test(baskets)} to validate on and as many to test on",
            received=f"{fewest}, among {len(baskets.person_ids)} people who agreed to training",
            remedy="wait for more data, or map more days",
        )
    if len(baskets.known) < items:
        raise NothingToLearn(
            expected=f"at least {items} different items to choose between",
            received=f"{len(baskets.known)}",
            remedy="wait for more data, or map more sources that mention items",
        )


def _enough_to_test(baskets: Baskets) -> str:
    if baskets.later is None:
        return f"{LEAST_ITEMS} or more items"
    return f"a new item in the days from {baskets.later.split.validation_from} on, and one before it,"


_ODD = np.uint64(0x9E3779B97F4A7C15)


def _binary(people: np.ndarray, items: np.ndarray, shape: tuple[int, int]) -> csr_matrix:
    rows = csr_matrix((np.ones(len(items), "float32"), (people, items)), shape=shape)
    rows.sum_duplicates()
    rows.data[:] = 1.0
    return rows
