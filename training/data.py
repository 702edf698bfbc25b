"""Sequences of acts as flat arrays: loading, vocabulary, leave-last-out, padded histories. No loop over people.

A person's acts stand in one flat array between `offsets[person]` and `offsets[person + 1]`, oldest first. The last act
is the test, the one before it the validation, everything before is the training part; people with fewer than
`HELD_OUT_FROM` acts are in the training part with all of them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset

from contracts.errors import LakeError, ModelError

HELD_OUT_FROM = 3
"""Fewest acts of a person who is evaluated: one to train on, one to validate, one to test."""

_COLUMNS = ("person_id", "item_ids", "occurred_at", "consent_training")


@dataclass(frozen=True)
class Sequences:
    """People who agreed to training, by person id, and their acts."""

    person_ids: np.ndarray
    """(people,)"""
    item_ids: np.ndarray
    """Distinct items, sorted (distinct,)."""
    acts: np.ndarray
    """Place of each act's item in `item_ids` (acts,)."""
    times: np.ndarray
    """When each act was, datetime64[us] (acts,)."""
    offsets: np.ndarray
    """(people + 1,)"""

    @cached_property
    def held_out(self) -> np.ndarray:
        """The people who are evaluated, as places in `person_ids` (held out people,)."""
        return np.flatnonzero(np.diff(self.offsets) >= HELD_OUT_FROM)

    @cached_property
    def train_ends(self) -> np.ndarray:
        """Where each person's training part ends in `acts` (people,)."""
        lengths = np.diff(self.offsets)
        return self.offsets[1:] - np.where(lengths >= HELD_OUT_FROM, 2, 0)

    @cached_property
    def in_training(self) -> np.ndarray:
        """Which acts are in the training part (acts,)."""
        ends = np.repeat(self.train_ends, np.diff(self.offsets))
        return np.arange(len(self.acts)) < ends

    def content_hash(self) -> str:
        """SHA-256 over everything that training reads: equal hashes are equal data."""
        total = hashlib.sha256()
        for texts in (self.person_ids, self.item_ids):
            total.update("\n".join(texts).encode() + b"\0")
        for numbers in (self.acts, self.times, self.offsets):
            total.update(np.ascontiguousarray(numbers).tobytes())
        return total.hexdigest()


@dataclass(frozen=True)
class Vocabulary:
    """The items that a model knows, with the number of acts on each in its training part."""

    item_ids: np.ndarray
    """(items,)"""
    counts: np.ndarray
    """(items,)"""

    def __len__(self) -> int:
        return len(self.item_ids)

    def encode(self, sequences: Sequences) -> np.ndarray:
        """Code of each act's item, its place in the vocabulary plus 1; 0 where the model does not know it (acts,)."""
        places = pd.Index(self.item_ids).get_indexer(sequences.item_ids)
        return (places + 1).astype("int32")[sequences.acts]


@dataclass(frozen=True)
class Histories:
    """Known items of some people before a target, as slices of one flat array; unknown items are left out."""

    codes: np.ndarray
    """(known acts,)"""
    starts: np.ndarray
    """(people,)"""
    ends: np.ndarray
    """(people,)"""

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def lengths(self) -> np.ndarray:
        return self.ends - self.starts

    def take(self, people: np.ndarray | slice) -> Histories:
        return Histories(self.codes, self.starts[people], self.ends[people])

    def padded(self, max_length: int) -> np.ndarray:
        """The latest `max_length` codes of each person, oldest first, 0 on the right (people, longest)."""
        lengths = np.minimum(self.lengths, max_length)
        step = np.arange(max(1, lengths.max(initial=0)))
        places = (self.ends - lengths)[:, None] + step  # (people, longest)
        real = step < lengths[:, None]
        return np.where(real, self.codes[np.where(real, places, 0)], 0).astype("int32")

    def cells(self) -> tuple[np.ndarray, np.ndarray]:
        """Every (person, code) of the histories as two arrays, the person as a place in this object."""
        lengths = self.lengths
        people = np.repeat(np.arange(len(self)), lengths)
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return people, self.codes[self.starts[people] + within]


def load_sequences(folder: Path) -> Sequences:
    """Read the table `training_sequences` of one day; only people with consent to training are kept.

    Raises:
        LakeError: a column is missing.
        ModelError: nobody agreed to training.
    """
    dataset = pyarrow.dataset.dataset([str(file) for file in sorted(folder.glob("*.parquet"))])
    missing = [name for name in _COLUMNS if name not in dataset.schema.names]
    if missing:
        raise LakeError(
            expected=f"columns {', '.join(_COLUMNS)} in {folder}",
            received=f"a table without {', '.join(missing)}",
            remedy="build the marts again",
        )
    everyone = dataset.count_rows()
    table = dataset.to_table(columns=list(_COLUMNS[:3]), filter=pc.field("consent_training")).sort_by("person_id")
    if table.num_rows == 0:
        raise ModelError(
            expected="people who agreed that a model may learn from them",
            received=f"{everyone} people, none of whom has consent_training, in {folder}",
            remedy="check the consents of that day",
        )
    items = table.column("item_ids").combine_chunks()
    times = table.column("occurred_at").combine_chunks().flatten().cast(pa.timestamp("us"), safe=False)
    item_ids, acts = np.unique(items.flatten().to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    return Sequences(
        person_ids=table.column("person_id").to_numpy().astype(str),
        item_ids=item_ids,
        acts=acts.astype("int32"),
        times=times.to_numpy(zero_copy_only=False),
        offsets=np.concatenate([[0], np.cumsum(pc.list_value_length(items).to_numpy())]),
    )


def require_held_out(sequences: Sequences, *, at_least: int) -> None:
    """Refuse data on which nothing can be measured.

    Raises:
        ModelError: too few people have enough history.
    """
    if len(sequences.held_out) < at_least:
        raise ModelError(
            expected=f"at least {at_least} people with {HELD_OUT_FROM} or more different items",
            received=f"{len(sequences.held_out)} such people among {len(sequences.person_ids)}",
            remedy="wait for more data, or map more days",
        )


def training_vocabulary(sequences: Sequences) -> Vocabulary:
    """The items of the training part, by id."""
    counts = np.bincount(sequences.acts[sequences.in_training], minlength=len(sequences.item_ids))
    return Vocabulary(sequences.item_ids[counts > 0], counts[counts > 0])


def recent_counts(sequences: Sequences, vocabulary: Vocabulary, *, days: int) -> np.ndarray:
    """Acts on each item of the vocabulary in the last `days` before the latest act, training part only (items,)."""
    since = sequences.times.max() - np.timedelta64(days, "D")
    codes = vocabulary.encode(sequences)[sequences.in_training & (sequences.times >= since)]
    return np.bincount(codes, minlength=len(vocabulary) + 1)[1:]


def training_histories(sequences: Sequences, vocabulary: Vocabulary) -> Histories:
    """The training part of everyone who has a next item in it."""
    starts, ends = sequences.offsets[:-1], sequences.train_ends
    enough = ends - starts >= 2
    return Histories(vocabulary.encode(sequences), starts[enough], ends[enough])


def held_out_histories(sequences: Sequences, vocabulary: Vocabulary, *, target: int) -> tuple[Histories, np.ndarray]:
    """What the held-out people did before a target, and the target's code, 0 where the model does not know it.

    Args:
        target: which act from the end is wanted: 1 is the test, 2 the validation.
    """
    codes = vocabulary.encode(sequences)
    starts = sequences.offsets[sequences.held_out]
    ends = sequences.offsets[sequences.held_out + 1] - target
    known_before = np.concatenate([[0], np.cumsum(codes > 0)])
    return Histories(codes[codes > 0], known_before[starts], known_before[ends]), codes[ends]
