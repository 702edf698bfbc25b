"""Tables of the lake as Arrow tables, and the types of contracts as Arrow types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset

from contracts.column_types import Array, ColumnType, Simple, Struct
from contracts.errors import ModelError
from contracts.lake import Lake
from contracts.schema import Table

ROWS_A_GROUP = 50_000
"""Of a file in the order of people that others read for some people: they read few rows more."""

_VECTORS_A_BATCH = 16_384


def read_mart(
    lake: Lake,
    table: str,
    ds: str,
    columns: list[str],
    *,
    optional: Sequence[str] = (),
    people: tuple[str, str] | None = None,
) -> pa.Table:
    """Some columns of a mart of one day, and those of `optional` that the release which built it knew.

    Args:
        people: the first and the last person id, where only the rows of some people are wanted.

    Raises:
        LakeError: the marts of that day were not built.
    """
    folder = lake.require(table, ds, made_by=f"python -m dbt_project.build --ds {ds}")
    return read_table(folder, columns, optional=optional, people=people)


def read_table(
    folder: Path,
    columns: list[str],
    *,
    optional: Sequence[str] = (),
    people: tuple[str, str] | None = None,
    where: pc.Expression | None = None,
) -> pa.Table:
    """Some columns of the Parquet files of one partition, and those of `optional` that they have.

    Files that are in the order of people are read only where those stand whom the caller wants.

    Args:
        people: the first and the last person id, where only the rows of some people are wanted.
        where: what else must hold of a row.
    """
    rows = pyarrow.dataset.dataset([str(file) for file in sorted(folder.glob("*.parquet"))])
    person = pc.field("person_id")
    wanted = None if people is None else (person >= people[0]) & (person <= people[1])
    if where is not None:
        wanted = where if wanted is None else wanted & where
    return rows.to_table(columns=[*columns, *(name for name in optional if name in rows.schema.names)], filter=wanted)


def id_range(ids: pd.Series) -> tuple[str, str]:
    """The first and the last of some ids that stand in order, for `people`; without any, a range that holds nobody."""
    return (ids.iloc[0], ids.iloc[-1]) if len(ids) else ("", "")


def arrow_schema(table: Table) -> pa.Schema:
    """The columns of a contract as Arrow types them; required ones are not nullable."""
    return pa.schema(
        [
            pa.field(column.name, arrow_type(column.parsed_type), nullable=not column.required)
            for column in table.columns
        ]
    )


def vector_batches(folder: Path, key: str, column: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Keys and vectors of the rows of a partition that have one, some at a time: (rows,), float32 (rows, numbers).

    Raises:
        ModelError: they are of several lengths.
    """
    dataset = pyarrow.dataset.dataset([str(file) for file in sorted(folder.glob("*.parquet"))])
    lengths: set[int] = set()
    for batch in dataset.scanner([key, column], batch_size=_VECTORS_A_BATCH).to_batches():
        batch = batch.filter(pc.is_valid(batch.column(column)))
        vectors = batch.column(column)
        lengths |= set(pc.unique(pc.list_value_length(vectors)).to_pylist())
        if len(lengths) > 1:
            raise ModelError(
                expected=f"each {column} of one length in {folder}",
                received=f"lengths {', '.join(map(str, sorted(lengths)))}",
                remedy=f"write the {folder.parent.name} of that day again",
            )
        if len(batch):
            flat = vectors.flatten().to_numpy(zero_copy_only=False)
            yield batch.column(key).to_pandas().to_numpy(), flat.reshape(len(batch), -1).astype("float32")


def vector_array(vectors: np.ndarray, known: np.ndarray) -> pa.ListArray:
    """Vectors (rows, dimensions) as a column of lists, null where `known` (rows,) is false."""
    offsets = np.concatenate([[0], np.cumsum(np.where(known, vectors.shape[1], 0))]).astype("int32")
    return pa.ListArray.from_arrays(offsets, pa.array(vectors[known].ravel()), mask=pa.array(~known))


_SIMPLE = {
    "string": pa.string(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


def arrow_type(kind: ColumnType) -> pa.DataType:
    """The type of a column as Arrow has it; a timestamp is a moment in UTC."""
    match kind:
        case Simple(name) if name.startswith("decimal"):
            return pa.decimal128(*(int(part) for part in name[len("decimal(") : -1].split(",")))
        case Simple(name):
            return _SIMPLE[name]
        case Array(element):
            return pa.list_(arrow_type(element))
        case Struct(fields):
            return pa.struct([(name, arrow_type(field)) for name, field in fields])
