"""Reading sequences from the lake, with categories and tastes from other tables, or from a text file."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.errors import ModelError, NothingToLearn
from lake_tables.arrow import vector_batches
from lake_tables.described_items import DescribedItems
from training.parts import DAY, SplitDays, TimeSplit
from training.people_rows import require_columns
from training.sequences.acts import read_acts
from training.sequences.flat_arrays import room_for
from training.sequences.histories import Sequences

GROUPS = ("age_band", "gender", "region")
"""Columns by which results are sliced."""

_COLUMNS = ("person_id", "item_ids", "occurred_at")


def load_sequences(
    folder: Path,
    *,
    catalogue: DescribedItems | None = None,
    predictions: Callable[[str], Path | None] = lambda _: None,
    evaluated_people: int = 0,
    scratch: Path | None = None,
    days: SplitDays | None = None,
) -> Sequences:
    """Read the table `training_sequences` of one day, which holds only people who agreed to training.

    The acts are read batch by batch, items as codes of a dictionary; a large table is written to files without a name,
    and what stays in memory is of the number of people and of items.

    Args:
        catalogue: the items of the day.
        predictions: folder of `predictions` of the latest day before a day, for taste vectors: of days that are not
            learned from they would tell what people did then.
        evaluated_people: most people on whom models are measured; 0 for all who are held out.
        scratch: folder of those files; None for the machine's folder of temporary files.
        days: how many are held out; None leaves the last acts of each person out.

    Raises:
        LakeError: a column is missing.
        ModelError: an act has no item or no time.
        NothingToLearn: the table is empty, because nobody agreed to training, or its acts are of too few days.
        OSError: the disk has no room for the files.
    """
    dataset = pq.ParquetDataset(sorted(folder.glob("*.parquet")), memory_map=True)
    require_columns(dataset, _COLUMNS, folder)
    groups = [name for name in GROUPS if name in dataset.schema.names]
    people = dataset.read(columns=["person_id", *groups])
    if people.num_rows == 0:
        raise NothingToLearn(
            expected="people who agreed that a model may learn from them",
            received=f"nobody in {folder}",
            remedy="check the consents of that day",
        )
    order = pc.sort_indices(people, sort_keys=[("person_id", "ascending")]).to_numpy()
    people = people.take(order)
    acts = read_acts(folder, order, scratch)
    person_ids = people.column("person_id").to_numpy().astype(str)
    sequences = Sequences(
        person_ids=person_ids,
        item_ids=acts.item_ids,
        acts=acts.items,
        times=acts.times,
        offsets=acts.offsets,
        groups={name: people.column(name).fill_null("unknown").to_numpy().astype(str) for name in groups},
        described=None if catalogue is None else catalogue.take(acts.item_ids),
        evaluated_people=evaluated_people,
        scratch=scratch,
    )
    if days is not None:
        sequences = split_by_time(sequences, days)
    until = sequences.latest.astype("datetime64[D]") if sequences.split is None else sequences.split.validation_from
    of_tastes = predictions(str(until))
    return replace(sequences, tastes=None if of_tastes is None else _tastes(of_tastes, person_ids, scratch))


def split_by_time(sequences: Sequences, days: SplitDays) -> Sequences:
    """The same acts, with the last days held out.

    They are counted back from the night's day, or from the latest act where that was earlier. Where fewer people are
    tested than there should be, the days held out are doubled, and again, until half of all days are.

    Raises:
        NothingToLearn: the acts are of fewer than three days.
    """
    if not len(sequences.acts):
        return sequences
    last = min(sequences.latest.astype("datetime64[D]"), days.until)
    first = min(sequences.earliest.astype("datetime64[D]"), last)
    factor = 1
    while True:
        split = TimeSplit.of(first, last, validation_days=factor * days.validation, test_days=factor * days.test)
        if split is None:
            raise NothingToLearn(
                expected="acts of at least three days: to learn from, to validate on, to test on",
                received=f"acts of {first} to {last}",
                remedy="wait for more data, or map more days",
            )
        found = replace(sequences, split=split)
        held_out = factor * (days.validation + days.test)
        if len(found.held_out) >= days.fewest_people or 2 * held_out >= int((last - first) / DAY) + 1:
            return found
        factor *= 2


def sequences_from_text(file: Path, *, without_last: int = 0) -> Sequences:
    """Read a file with one user per line: the user, then the items in order of time, separated by blanks.

    A file that ends in `.gz` is unpacked. An item that a user repeats counts once, at its first position, as in
    `training_sequences`. Such files have no times: act number n of a user gets the time of n seconds, so that gaps mean
    nothing and every act is recent.

    Args:
        without_last: number of items at the end of every line that are left out.

    Raises:
        ModelError: no such file, no text, or no user with an item.
    """
    try:
        with (gzip.open if file.suffix == ".gz" else open)(file, "rt") as stream:
            lines = [line.split() for line in stream]
            lines = [line[: len(line) - without_last] for line in lines]
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(
            expected=f"a text file {file}, one user per line, then the user's items",
            received=str(error),
            remedy="name another file",
        ) from error
    lines = [line for line in lines if len(line) > 1]
    if not lines:
        raise ModelError(
            expected=f"at least one line with a user and an item in {file}", received="none", remedy="name another file"
        )
    lengths = np.array([len(line) - 1 for line in lines])
    people = np.repeat(np.arange(len(lines)), lengths)
    item_ids, acts = np.unique([item for line in lines for item in line[1:]], return_inverse=True)
    first = np.sort(np.unique(people * len(item_ids) + acts, return_index=True)[1])
    offsets = np.concatenate([[0], np.cumsum(np.bincount(people[first], minlength=len(lines)))])
    positions = np.arange(len(first)) - np.repeat(offsets[:-1], np.diff(offsets))
    return Sequences(
        person_ids=np.array([line[0] for line in lines]),
        item_ids=item_ids,
        acts=acts[first].astype("int32"),
        times=positions.astype("datetime64[s]").astype("datetime64[us]"),
        offsets=offsets,
    )


def _tastes(folder: Path, person_ids: np.ndarray, scratch: Path | None) -> np.ndarray | None:
    """Taste vector of each person, zeros for people without one; None if no person has one (people, taste)."""
    place_of, tastes = pd.Index(person_ids), None
    for people, vectors in vector_batches(folder, "person_id", "taste_vector"):
        if tastes is None:
            tastes = room_for(len(person_ids) * vectors.shape[1], "float32", scratch).reshape(len(person_ids), -1)
            tastes[:] = 0.0
        rows = place_of.get_indexer(people)
        tastes[rows[rows >= 0]] = np.nan_to_num(vectors[rows >= 0])
    return tastes
