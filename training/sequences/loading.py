"""Reading sequences from the lake, with categories and tastes from other tables, or from a text file."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.errors import LakeError, ModelError, NothingToLearn
from training.sequences.histories import Sequences

GROUPS = ("age_band", "gender", "region")
"""Columns by which results are sliced."""

_COLUMNS = ("person_id", "item_ids", "occurred_at")


def load_sequences(
    folder: Path, *, catalogue: Path | None = None, predictions: Path | None = None, evaluated_people: int = 0
) -> Sequences:
    """Read the table `training_sequences` of one day, which holds only people who agreed to training.

    Args:
        catalogue: folder of `dim_item`, for the category of each item.
        predictions: folder of `predictions` of an earlier day, for taste vectors.
        evaluated_people: most people on whom models are measured; 0 for all who are held out.

    Raises:
        LakeError: a column is missing.
        ModelError: an act has no item or no time.
        NothingToLearn: the table is empty, because nobody agreed to training.
    """
    dataset = pq.ParquetDataset(sorted(folder.glob("*.parquet")), memory_map=True)
    names = dataset.schema.names
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        raise LakeError(
            expected=f"columns {', '.join(_COLUMNS)} in {folder}",
            received=f"a table without {', '.join(missing)}",
            remedy="build the marts again",
        )
    groups = [name for name in GROUPS if name in names]
    table = dataset.read(columns=[*_COLUMNS, *groups]).sort_by("person_id")
    if table.num_rows == 0:
        raise NothingToLearn(
            expected="people who agreed that a model may learn from them",
            received=f"nobody in {folder}",
            remedy="check the consents of that day",
        )
    acts, times, offsets = _acts(table, folder)
    item_ids, indices = np.unique(acts, return_inverse=True)
    person_ids = table.column("person_id").to_numpy().astype(str)
    return Sequences(
        person_ids=person_ids,
        item_ids=item_ids,
        acts=indices.astype("int32"),
        times=times,
        offsets=offsets,
        groups={name: table.column(name).fill_null("unknown").to_numpy().astype(str) for name in groups},
        categories=None if catalogue is None else _categories(catalogue, item_ids),
        tastes=None if predictions is None else _tastes(predictions, person_ids),
        evaluated_people=evaluated_people,
    )


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


def _acts(table: pa.Table, folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Item and time of each act, and the offset of each person's acts.

    Raises:
        ModelError: an act has no item or no time.
    """
    items = table.column("item_ids").combine_chunks()
    times = table.column("occurred_at").combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(items), 0).to_numpy(zero_copy_only=False)
    timed = pc.fill_null(pc.list_value_length(times), 0).to_numpy(zero_copy_only=False)
    items, times = items.flatten(), times.flatten()
    incomplete = items.null_count + times.null_count + int(np.abs(lengths - timed).sum())
    if incomplete:
        raise ModelError(
            expected=f"an item and a time for every act in {folder}",
            received=f"{incomplete} acts without one",
            remedy="build the marts again, and look at the quarantine of that day",
        )
    moments = times.cast(pa.timestamp("us"), safe=False).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return items.to_numpy(zero_copy_only=False).astype(str), moments, offsets


def _categories(folder: Path, item_ids: np.ndarray) -> np.ndarray:
    """Category of each item, `unknown` if it is not in the catalogue (items,)."""
    table = pq.read_table(folder, columns=["item_id", "category"], memory_map=True, partitioning=None).to_pandas()
    categories = table.drop_duplicates("item_id").set_index("item_id")["category"]
    return categories.reindex(item_ids).fillna("unknown").to_numpy().astype(str)


def _tastes(folder: Path, person_ids: np.ndarray) -> np.ndarray | None:
    """Taste vector of each person, zeros for people without one; None if no person has one (people, taste)."""
    table = pq.read_table(folder, columns=["person_id", "taste_vector"], memory_map=True, partitioning=None)
    table = table.filter(pc.is_valid(table.column("taste_vector")))
    vectors = table.column("taste_vector").combine_chunks()
    lengths = pc.unique(pc.list_value_length(vectors)).to_pylist()
    if not lengths:
        return None
    if len(lengths) > 1:
        raise ModelError(
            expected=f"taste vectors of one length in {folder}",
            received=f"lengths {', '.join(map(str, sorted(lengths)))}",
            remedy="write the predictions of that day again",
        )
    known = np.nan_to_num(vectors.flatten().to_numpy(zero_copy_only=False).reshape(-1, lengths[0]).astype("float32"))
    rows = pd.Index(table.column("person_id").to_pandas()).get_indexer(person_ids)
    return np.where(rows[:, None] >= 0, known[rows], np.float32(0))
