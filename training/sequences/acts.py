"""Reading the acts of `training_sequences` in batches: items as codes of a dictionary, never a text for each act."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.errors import ModelError
from training.sequences.flat_arrays import ACTS_A_PIECE, pieces, places_of, room_for

_ITEMS, _TIMES = "item_ids", "occurred_at"
_MOST_ROWS = 65_536
"""Most people of a batch; where they have many acts, a batch has fewer."""


@dataclass(frozen=True)
class Acts:
    """The acts of all people, one person after the other."""

    item_ids: np.ndarray
    """Distinct items, sorted (distinct,)."""
    items: np.ndarray
    """Index of each act's item in `item_ids`, int32 (acts,)."""
    times: np.ndarray
    """datetime64[us] (acts,)."""
    offsets: np.ndarray
    """(people + 1,)"""


def read_acts(folder: Path, order: np.ndarray, scratch: Path | None) -> Acts:
    """Read the acts of one day, people in another order than that of the files.

    Args:
        order: place in the files of each person (people,).
        scratch: folder for the files of large arrays; None for the machine's folder of temporary files.

    Raises:
        ModelError: an act has no item or no time.
    """
    files = [pq.ParquetFile(file, memory_map=True) for file in sorted(folder.glob("*.parquet"))]
    most = sum(_values(file) for file in files)
    items, times = room_for(most, "int32", scratch), room_for(most, "datetime64[us]", scratch)
    lengths, code_of = [], {}
    filled = incomplete = 0
    for batch in _batches(files):
        of_items, of_times = batch.column(_ITEMS), batch.column(_TIMES)
        counted, timed = (pc.fill_null(pc.list_value_length(one), 0).to_numpy() for one in (of_items, of_times))
        lengths.append(counted)
        of_items, of_times = of_items.flatten(), of_times.flatten()
        trouble = of_items.null_count + of_times.null_count + int(np.abs(counted - timed).sum())
        incomplete += trouble
        if not trouble and len(of_items):
            now = slice(filled, filled + len(of_items))
            items[now] = _codes(of_items, code_of)
            times[now] = of_times.cast(pa.timestamp("us"), safe=False).to_numpy(zero_copy_only=False)
            filled = now.stop
    if incomplete:
        raise ModelError(
            expected=f"an item and a time for every act in {folder}",
            received=f"{incomplete} acts without one",
            remedy="build the marts again, and look at the quarantine of that day",
        )
    lengths = np.concatenate(lengths).astype(int)
    item_ids, place_of_code = np.unique(np.array(list(code_of), dtype=str), return_inverse=True)
    items, times = _in_order(items[:filled], times[:filled], lengths, order, place_of_code.astype("int32"), scratch)
    return Acts(item_ids, items, times, np.concatenate([[0], np.cumsum(lengths[order])]))


def _values(file: pq.ParquetFile) -> int:
    """Number of acts of a file, and of people without any, who count as one."""
    metadata = file.metadata
    [place] = [at for at in range(metadata.num_columns) if metadata.schema.column(at).path.split(".")[0] == _ITEMS]
    return sum(metadata.row_group(group).column(place).num_values for group in range(metadata.num_row_groups))


def _batches(files: list[pq.ParquetFile]) -> Iterator[pa.RecordBatch]:
    """Batches of people with about `ACTS_A_PIECE` acts together."""
    for file in files:
        acts_a_person = _values(file) / max(1, file.metadata.num_rows)
        rows = int(np.clip(ACTS_A_PIECE / max(1.0, acts_a_person), 1, _MOST_ROWS))
        yield from file.iter_batches(batch_size=rows, columns=[_ITEMS, _TIMES])


def _codes(items: pa.Array, code_of: dict[str, int]) -> np.ndarray:
    """Code of each item, new items with the next codes (acts,)."""
    items = pc.dictionary_encode(items)  # Parquet's own dictionaries cannot be read of lists that cross row groups
    texts = items.dictionary.to_pylist()
    codes = np.fromiter((code_of.setdefault(text, len(code_of)) for text in texts), "int32", len(texts))
    return codes[items.indices.to_numpy(zero_copy_only=False)]


def _in_order(
    items: np.ndarray,
    times: np.ndarray,
    lengths: np.ndarray,
    order: np.ndarray,
    place_of_code: np.ndarray,
    scratch: Path | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Items as places in the sorted ones, and times, with people in order (acts,).

    Args:
        lengths: number of acts of each person, as the files have them (people,).
        order: place in the files of each person (people,).
    """
    if (order == np.arange(len(order))).all():
        for start in range(0, len(items), ACTS_A_PIECE):
            now = slice(start, start + ACTS_A_PIECE)
            items[now] = place_of_code[items[now]]
        return items, times
    starts, lengths = (np.cumsum(lengths) - lengths)[order], lengths[order]
    sorted_items, sorted_times = room_for(len(items), "int32", scratch), room_for(len(times), "datetime64[us]", scratch)
    filled = 0
    for some in pieces(lengths):
        places = places_of(starts[some], lengths[some])
        now = slice(filled, filled + len(places))
        sorted_items[now], sorted_times[now] = place_of_code[items[places]], times[places]
        filled = now.stop
    return sorted_items, sorted_times
