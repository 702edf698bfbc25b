"""Reading a table with several rows a person: all of it, or, where it is large, the rows of a sample of people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.errors import LakeError
from contracts.report import say
from training.sequences.sampling import share_of_people

_ROWS_A_BATCH = 131_072


def read_rows(folder: Path, columns: list[str], *, most_rows: int = 0) -> pa.Table:
    """Some columns of a table, of all people where it has at most `most_rows` rows, else of about so many rows.

    The people of the sample are drawn by a hash of their ids, the same ones in every process, and all their rows are
    read: parts that are split by person or by week stay what they are, of fewer people. The log says so.

    Args:
        columns: `person_id` among them, where rows may be left out.
        most_rows: 0 reads all rows.

    Raises:
        LakeError: a column is missing.
    """
    dataset = pq.ParquetDataset(sorted(folder.glob("*.parquet")), memory_map=True)
    require_columns(dataset, columns, folder)
    files = [pq.ParquetFile(file, memory_map=True) for file in dataset.files]
    rows = sum(file.metadata.num_rows for file in files)
    if not most_rows or rows <= most_rows:
        return dataset.read(columns=columns)
    share = most_rows / rows
    table = pa.Table.from_batches(_of_sample(files, columns, share))
    say(f"{folder}: {rows:,} rows; those of {share:.1%} of the people, {table.num_rows:,} rows, are read")
    return table


def require_columns(dataset: pq.ParquetDataset, columns: Sequence[str], folder: Path) -> None:
    """Refuse a table that lacks a column.

    Raises:
        LakeError: it does.
    """
    missing = [name for name in columns if name not in dataset.schema.names]
    if missing:
        raise LakeError(
            expected=f"columns {', '.join(columns)} in {folder}",
            received=f"a table without {', '.join(missing)}",
            remedy="build the marts again",
        )


def _of_sample(files: list[pq.ParquetFile], columns: list[str], share: float) -> Iterator[pa.RecordBatch]:
    """Batches with the rows of a share of the people."""
    for file in files:
        for batch in file.iter_batches(batch_size=_ROWS_A_BATCH, columns=columns):
            people = pc.dictionary_encode(batch.column("person_id"))
            drawn = share_of_people(people.dictionary.to_numpy(zero_copy_only=False).astype(str), share)
            yield batch.filter(pa.array(drawn[people.indices.to_numpy(zero_copy_only=False)]))
