"""Sequences of acts as flat arrays: split by time or leave-last-out, padded histories. No loop over people.

All acts are in one flat array; a person's are those from `offsets[person]` to `offsets[person + 1]`, oldest first.

A night splits by time (`Sequences.split`): what happened before the days of the validation is learned from; the first
acts of each person in those days, and in the days of the test, are targets, each ranked by all that the person did
before it. Who did nothing in these days, or nothing before, is not measured.

Without a split, as in the benchmarks of the literature, the last act of each person is the test, the one before it the
validation, everything earlier is the training part. People with fewer than `HELD_OUT_FROM` acts are in the training
part with all their acts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from contracts.errors import NothingToLearn
from lake_tables.described_items import DescribedItems
from training.parts import DAY, Part, TimeSplit
from training.sequences.flat_arrays import ACTS_A_PIECE, pieces, places_of, room_for
from training.sequences.sampling import sample_of_people
from training.sequences.vocabulary import Vocabulary

HELD_OUT_FROM = 3
"""Fewest acts of a person who is evaluated by leaving the last out: one to train on, one to validate, one to test."""

ACT_FROM_END = {Part.TEST: 1, Part.VALIDATION: 2, Part.TRAIN: 3}
"""Which act of a person, counted from the end, is the target of each part where the last one is left out."""

TARGETS_A_PERSON = 3
"""Most acts of a person that are targets of a part that is split by time, the first ones; a person counts as one unit,
with the mean of them."""

FIRST_ACT, LAST_GAP = 1, 31
"""Codes of the time since the act before: a first act has none; the last code is for 17 years and more."""


@dataclass(frozen=True)
class Sequences:
    """The acts of people who agreed to training, people sorted by id."""

    person_ids: np.ndarray
    """(people,)"""
    item_ids: np.ndarray
    """Distinct items, sorted (distinct,)."""
    acts: np.ndarray
    """Index of each act's item in `item_ids`; many are in a file (acts,)."""
    times: np.ndarray
    """Time of each act, UTC, datetime64[us]; many are in a file (acts,)."""
    offsets: np.ndarray
    """(people + 1,)"""
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Age band, gender and region of each person, by the name of the column (people,)."""
    described: DescribedItems | None = None
    """What the catalogue of the day says of each of `item_ids`, in their order; None without one."""
    tastes: np.ndarray | None = None
    """Taste vector of each person from an earlier day, zeros for people without one; many are in a file
    (people, taste)."""
    evaluated_people: int = 0
    """Most people on whom models are measured, a sample of those who are held out; 0 for all of them."""
    scratch: Path | None = None
    """Folder of the files of large arrays; None for the machine's folder of temporary files."""
    split: TimeSplit | None = None
    """The days of each part; None leaves the last acts of each person out."""
    everything: bool = False
    """Whether the days of validation and test are learned from too, as for what is served; targets stay the same."""

    @cached_property
    def held_out(self) -> np.ndarray:
        """The people with an act to test on, as indices into `person_ids` (held-out people,)."""
        if self.split is None:
            return np.flatnonzero(np.diff(self.offsets) >= HELD_OUT_FROM)
        return np.flatnonzero(self._targets_of(Part.TEST)[1])

    @cached_property
    def evaluated(self) -> np.ndarray:
        """The held-out people on whom every model and baseline is measured (evaluated people,)."""
        return sample_of_people(self.person_ids, self.held_out, self.evaluated_people)

    @cached_property
    def train_ends(self) -> np.ndarray:
        """Index in `acts` at which each person's training part ends (people,)."""
        if self.everything:
            return self.offsets[1:]
        if self.split is not None:
            return self.ends_before(self.split.validation_from)
        lengths = np.diff(self.offsets)
        return self.offsets[1:] - np.where(lengths >= HELD_OUT_FROM, 2, 0)

    def ends_before(self, day: np.datetime64) -> np.ndarray:
        """Index in `acts` at which the acts of each person before a day end (people,)."""
        lengths, ends = np.diff(self.offsets), np.array(self.offsets[1:])
        for some in pieces(lengths):
            starts = self.offsets[some.start : some.stop + 1] - self.offsets[some.start]
            before = self.times[self.offsets[some.start] : self.offsets[some.stop]] < day
            counts = np.concatenate([[0], np.cumsum(before)])
            ends[some] = self.offsets[some] + counts[starts[1:]] - counts[starts[:-1]]
        return ends

    def targets(self, part: Part) -> tuple[np.ndarray, np.ndarray]:
        """People and places in `acts` of what a part asks for, by person (targets,).

        The targets of the training part are learned from: acts like those of the test, of as many days before the
        validation, or the latest act that is learned from where the last ones are left out.
        """
        if self.split is None:
            return self.evaluated, self.offsets[self.evaluated + 1] - ACT_FROM_END[part]
        starts, counts = self._targets_of(part)
        people = self.evaluated
        if part != Part.TEST:
            people = sample_of_people(self.person_ids, np.flatnonzero(counts), self.evaluated_people)
        return np.repeat(people, counts[people]), places_of(starts[people], counts[people])

    def _targets_of(self, part: Part) -> tuple[np.ndarray, np.ndarray]:
        """Place in `acts` of each person's first target of a part that is split by time, and their number (people,)."""
        days = self.split
        first = {
            Part.TRAIN: days.validation_from - (days.until + DAY - days.test_from),
            Part.VALIDATION: days.validation_from,
            Part.TEST: days.test_from,
        }[part]
        after = {Part.TRAIN: days.validation_from, Part.VALIDATION: days.test_from}.get(part)
        starts = np.maximum(self.ends_before(first), self.offsets[:-1] + 1)  # a first act has no history to rank by
        ends = self.offsets[1:] if after is None else self.ends_before(after)
        return starts, np.clip(ends - starts, 0, TARGETS_A_PERSON)

    @property
    def tested_after(self) -> np.ndarray:
        """Number of acts of each evaluated person before the first that is tested (evaluated people,)."""
        people, places = self.targets(Part.TEST)
        first = np.unique(people, return_index=True)[1]
        return places[first] - self.offsets[:-1][self.evaluated]

    @property
    def learned_until(self) -> np.datetime64:
        """Day of the latest act that a training learns from or chooses epochs by, datetime64[D].

        It is read off the acts themselves, and not off the days that the parts should have.
        """
        used = [places for _, places in self.training_places()]
        latest = [self.times[places].max() for places in (*used, self.targets(Part.VALIDATION)[1]) if len(places)]
        return max(latest).astype("datetime64[D]")

    @property
    def acts_in_training(self) -> int:
        """Number of acts of the training part."""
        return int((self.train_ends - self.offsets[:-1]).sum())

    @cached_property
    def latest(self) -> np.datetime64:
        """Time of the latest act."""
        return max(self.times[start : start + ACTS_A_PIECE].max() for start in range(0, len(self.times), ACTS_A_PIECE))

    @cached_property
    def earliest(self) -> np.datetime64:
        """Time of the first act."""
        return min(self.times[start : start + ACTS_A_PIECE].min() for start in range(0, len(self.times), ACTS_A_PIECE))

    def training_places(self) -> Iterator[tuple[slice, np.ndarray]]:
        """The training part in pieces: some people, and the places of their acts in `acts` (acts of the piece,)."""
        lengths = self.train_ends - self.offsets[:-1]
        for people in pieces(lengths):
            yield people, places_of(self.offsets[:-1][people], lengths[people])

    def content_hash(self) -> str:
        """SHA-256 over everything that training reads: equal hashes are equal data."""
        total = hashlib.sha256()
        described = self.described
        categories, prices, titles = (
            (None, None, None) if described is None else (described.categories, described.prices, described.texts)
        )
        for texts in (self.person_ids, self.item_ids, *self.groups.values(), categories):
            total.update(b"\0" if texts is None else "\n".join(texts).encode() + b"\0")
        for numbers in (self.acts, self.times, self.offsets, self.tastes, prices, titles):
            if numbers is None:
                total.update(b"\0")
                continue
            for start in range(0, len(numbers), ACTS_A_PIECE):
                total.update(np.ascontiguousarray(numbers[start : start + ACTS_A_PIECE]).tobytes())
        if len(self.evaluated) < len(self.held_out):
            total.update(f"{self.evaluated_people} people evaluated".encode())
        total.update(f"{self.split} {self.everything}".encode())
        return total.hexdigest()

    def describe(self) -> Mapping[str, int]:
        """Sizes, under the names of the run's parameters."""
        return {
            "people": len(self.person_ids),
            "people_held_out": len(self.held_out),
            "people_evaluated": len(self.evaluated),
            "items": len(self.item_ids),
            "acts": len(self.acts),
            "acts_in_training": self.acts_in_training,
        }


@dataclass(frozen=True)
class Histories:
    """The known items in some people's histories, as slices of one flat array; unknown items are left out."""

    codes: np.ndarray
    """(known acts,)"""
    starts: np.ndarray
    """(people,)"""
    ends: np.ndarray
    """(people,)"""
    gaps: np.ndarray | None = None
    """Code of the time since the known act before, made by `gap_codes` (known acts,)."""
    taste_table: np.ndarray | None = None
    """Taste vectors of all people (all people, taste)."""
    owners: np.ndarray | None = None
    """The row of each person in `taste_table` (people,)."""

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def lengths(self) -> np.ndarray:
        """Number of known acts of each person (people,)."""
        return self.ends - self.starts

    @property
    def tastes(self) -> np.ndarray | None:
        """Taste vector of each person (people, taste); None without a table of them."""
        return None if self.taste_table is None else self.taste_table[self.owners]

    def take(self, people: np.ndarray | slice) -> Histories:
        """The histories of these people, by their index in this object."""
        return self._of(people, self.starts[people], self.ends[people])

    def _of(self, people: np.ndarray | slice, starts: np.ndarray, ends: np.ndarray) -> Histories:
        owners = None if self.owners is None else self.owners[people]
        return Histories(self.codes, starts, ends, self.gaps, self.taste_table, owners)

    def windows(self, length: int) -> Histories:
        """Each history cut into pieces of at most `length` acts, from the end back.

        A piece begins with the last act of the piece before it, so that every act but a person's first is the next act
        of another in exactly one piece.
        """
        pieces = np.maximum(1, -(-(self.lengths - 1) // (length - 1)))
        people = np.repeat(np.arange(len(self)), pieces)
        from_end = np.repeat(np.cumsum(pieces), pieces) - 1 - np.arange(len(people))
        ends = self.ends[people] - from_end * (length - 1)
        starts = np.maximum(self.starts[people], ends - length)
        return self._of(people, starts, ends)

    def padded(self, max_length: int) -> np.ndarray:
        """The latest `max_length` codes of each person, oldest first, 0 on the right (people, longest)."""
        return self._padded(self.codes, max_length)

    def padded_gaps(self, max_length: int) -> np.ndarray:
        """The gaps of those acts, at the same steps (people, longest)."""
        return self._padded(self.gaps, max_length)

    def _padded(self, values: np.ndarray, max_length: int) -> np.ndarray:
        lengths = np.minimum(self.lengths, max_length)
        step = np.arange(max(1, lengths.max(initial=0)))
        acts = (self.ends - lengths)[:, None] + step  # (people, longest)
        real = step < lengths[:, None]
        if not len(values):
            return np.zeros(real.shape, "int32")
        return np.where(real, values[np.where(real, acts, 0)], 0).astype("int32")

    def cells(self) -> tuple[np.ndarray, np.ndarray]:
        """Every (person, code) pair of the histories as two arrays; a person is an index into this object."""
        lengths = self.lengths
        people = np.repeat(np.arange(len(self)), lengths)
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return people, self.codes[self.starts[people] + within]


def require_held_out(sequences: Sequences, *, at_least: int) -> None:
    """Refuse data on which no model can be measured, or no epoch chosen.

    Raises:
        NothingToLearn: too few people have enough history, or nobody an act to validate on.
    """
    if len(sequences.held_out) < at_least:
        raise NothingToLearn(
            expected=f"at least {at_least} people with {_enough_to_test(sequences)}",
            received=f"{len(sequences.held_out)} such people among {len(sequences.person_ids)}",
            remedy="wait for more data, or map more days",
        )
    if sequences.split is not None and not len(sequences.targets(Part.VALIDATION)[0]):
        raise NothingToLearn(
            expected=f"people with a new item on {sequences.split.validation_from} or after, and one before it",
            received=f"nobody before {sequences.split.test_from}, where the test begins",
            remedy="wait for more data, or map more days",
        )


def _enough_to_test(sequences: Sequences) -> str:
    if sequences.split is None:
        return f"{HELD_OUT_FROM} or more different items"
    return f"a new item on {sequences.split.test_from} to {sequences.split.until}, and one before it"


def recent_counts(sequences: Sequences, vocabulary: Vocabulary, *, days: int) -> np.ndarray:
    """Acts on each item of the vocabulary in the last `days`, training part only (items,).

    They are counted back from the end of the training part, or where the last acts are left out from the latest act.
    """
    until = sequences.latest if sequences.split is None else sequences.split.validation_from
    since = until - days * DAY
    codes_of, counts = vocabulary.codes_of(sequences), np.zeros(len(vocabulary) + 1, int)
    for _, places in sequences.training_places():
        recent = places[sequences.times[places] >= since]
        counts += np.bincount(codes_of[sequences.acts[recent]], minlength=len(counts))
    return counts[1:]


def training_histories(
    sequences: Sequences, vocabulary: Vocabulary, *, at_least: int = 2, most_people: int = 0
) -> Histories:
    """The training part of people with at least that many known acts in it; with two there is a next item to learn.

    Args:
        most_people: a sample of at most so many people; 0 for all of them.
    """
    enough = np.flatnonzero(sequences.train_ends - sequences.offsets[:-1] >= at_least)
    enough = sample_of_people(sequences.person_ids, enough, most_people)
    histories = histories_until(sequences, vocabulary, enough, sequences.train_ends[enough])
    return histories.take(np.flatnonzero(histories.lengths >= at_least))


def held_out_histories(sequences: Sequences, vocabulary: Vocabulary, *, part: Part) -> tuple[Histories, np.ndarray]:
    """What people did before each target act of a part, and its code, 0 where the model does not know it.

    A person has several rows where several acts are targets; of the test part exactly the evaluated people have rows.
    """
    people, ends = sequences.targets(part)
    targets = vocabulary.codes_of(sequences)[sequences.acts[ends]]
    return histories_until(sequences, vocabulary, people, ends), targets


def histories_until(sequences: Sequences, vocabulary: Vocabulary, people: np.ndarray, ends: np.ndarray) -> Histories:
    """Known acts of some people, from their first to `ends`, which are indices into `sequences.acts` (people,)."""
    codes_of, starts = vocabulary.codes_of(sequences), sequences.offsets[people]
    lengths = ends - starts
    codes = room_for(int(lengths.sum()), "int32", sequences.scratch)
    gaps = room_for(int(lengths.sum()), "uint8", sequences.scratch)
    known_ends, filled = np.zeros(len(people), int), 0
    for some in pieces(lengths):
        places = places_of(starts[some], lengths[some])
        found = codes_of[sequences.acts[places]]
        known_before = np.concatenate([[0], np.cumsum(found > 0)])
        of_people = known_before[np.cumsum(lengths[some])]
        known_ends[some] = filled + of_people
        now = slice(filled, filled + known_before[-1])
        codes[now] = found[found > 0]
        gaps[now] = gap_codes(sequences.times[places[found > 0]], np.concatenate([[0], of_people]))
        filled = now.stop
    known_starts = np.concatenate([[0], known_ends])[:-1]
    return Histories(codes[:filled], known_starts, known_ends, gaps[:filled], sequences.tastes, people)


def gap_codes(times: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Code of the time since the act before (acts,): `FIRST_ACT`, or 2 + log2(1 + seconds), rounded down.

    Args:
        times: datetime64 (acts,).
        starts: indices of the people's first acts.
    """
    seconds = np.diff(times, prepend=times[:1]) / np.timedelta64(1, "s")
    codes = np.minimum(2 + np.log2(1 + np.maximum(seconds, 0)), LAST_GAP).astype("int32")
    codes[starts[starts < len(codes)]] = FIRST_ACT
    return codes
