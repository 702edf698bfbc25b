"""Parquet files as raw deliveries: columns by their names, of the types that the mapping says.

A file is read once by Arrow, which finds what is broken in it and takes what other programs write (times in
nanoseconds, unsigned numbers, dictionaries), and is staged with the columns and types of the mapping.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from contracts.errors import RawDataError
from spark_jobs.mapping.readers.packed import Unreadable, as_read
from spark_jobs.mapping.readers.staged import Staging, staged_rows
from spark_jobs.mapping.reading import Reading

_BATCH_ROWS = 8_192

_UNREADABLE = (pa.ArrowException, OSError, ValueError)


def require_readable(file: Path) -> None:
    """Read every value of a file.

    Raises:
        Unreadable: it is no Parquet file, or not a whole one.
    """
    try:
        with pq.ParquetFile(file) as parquet:
            for _ in parquet.iter_batches(_BATCH_ROWS):
                pass
    except _UNREADABLE:
        raise Unreadable("broken_parquet") from None


def read(session: SparkSession, reading: Reading, files: Sequence[Path], scratch: Path) -> DataFrame:
    """The columns of `reading.schema`, and `raw_row`; `raw_text` is the row as JSON.

    Raises:
        RawDataError: a file has no column of the schema's, or one of another type.
    """
    schema = StructType.fromDDL(reading.schema)
    columns = to_arrow_schema(schema, timezone="UTC")
    about = [
        pa.field("raw_file", pa.string()),
        pa.field("raw_row", pa.int64()),
        pa.field("raw_unknown", pa.list_(pa.string())),
    ]
    staged = pa.schema([*about, *columns])
    for file in files:
        _check(file, columns)
    with Staging(scratch / "parquet", staged).writing() as staging:
        for file in files:
            for batch in _batches(file, columns, reading.ignore):
                staging.write(file.parent.name, batch.cast(staged))
    rows = staged_rows(session, staging.folder)
    names = [F.col(f"`{field.name}`") for field in schema.fields]
    return rows.select(
        *("raw_ds", "raw_file", "raw_row"),
        F.to_json(F.struct(*names)).alias("raw_text"),
        F.lit(None).cast("string").alias("raw_problem"),
        "raw_unknown",
        *names,
    )


def _check(file: Path, columns: pa.Schema) -> None:
    found = pq.read_schema(file)
    for column in columns:
        place = found.get_field_index(column.name)
        if place < 0 or not _fits(found.field(place).type, column.type):
            names = ", ".join(found.names[:6])
            raise RawDataError(
                expected=f"a column {column.name} of type {column.type} in {file}",
                received=f"only the columns {names}" if place < 0 else f"one of type {found.field(place).type}",
                remedy="correct read.schema of the mapping, or deliver the column as it was; nothing was published",
            )


def _fits(found: pa.DataType, expected: pa.DataType) -> bool:
    """Whether every value of one type is a value of the other; whether a number is too large is seen as it is read."""
    types = pa.types
    if types.is_dictionary(found):
        return _fits(found.value_type, expected)
    if types.is_null(found):
        return True
    if types.is_struct(expected):
        inner = {field.name: field.type for field in found} if types.is_struct(found) else {}
        return all(field.name in inner and _fits(inner[field.name], field.type) for field in expected)
    if types.is_list(expected):
        lists = types.is_list(found) or types.is_large_list(found) or types.is_fixed_size_list(found)
        return lists and _fits(found.value_type, expected.value_type)
    if types.is_map(expected):
        return types.is_map(found) and _fits(found.item_type, expected.item_type)
    if types.is_integer(expected):
        return types.is_integer(found)
    if types.is_floating(expected):
        return types.is_floating(found) or types.is_integer(found)
    if types.is_decimal(expected):
        return types.is_decimal(found) or types.is_integer(found)
    if types.is_string(expected):
        return types.is_string(found) or types.is_large_string(found) or types.is_string_view(found)
    if types.is_binary(expected):
        return types.is_binary(found) or types.is_large_binary(found) or types.is_fixed_size_binary(found)
    if types.is_timestamp(expected):
        return types.is_timestamp(found)
    return found == expected or (types.is_date(expected) and types.is_date(found))


def _batches(file: Path, columns: pa.Schema, ignore: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Batches of a file with the columns of the schema, as they are cast to its types."""
    number = 0
    name = as_read(file.name)[0]
    with pq.ParquetFile(file) as parquet:
        unknown = [
            one
            for one in parquet.schema_arrow.names
            if one not in columns.names and not any(fnmatchcase(one, pattern) for pattern in ignore)
        ]
        for batch in parquet.iter_batches(_BATCH_ROWS, columns=columns.names):
            rows = batch.num_rows
            arrays = [
                pa.array([name] * rows, pa.string()),
                pa.array(range(number + 1, number + rows + 1), pa.int64()),
                pa.array([unknown] * rows, pa.list_(pa.string())),
                *(_cast(file, column, batch.column(column.name)) for column in columns),
            ]
            number += rows
            yield pa.RecordBatch.from_arrays(arrays, names=["raw_file", "raw_row", "raw_unknown", *columns.names])


def _cast(file: Path, column: pa.Field, values: pa.Array) -> pa.Array:
    try:
        return _as(values, column.type)
    except (pa.ArrowException, ValueError):
        raise RawDataError(
            expected=f"values of the type {column.type} in the column {column.name} of {file}",
            received="one that is too large for it, or no text",
            remedy="name a larger type in read.schema of the mapping; nothing was published",
        ) from None


def _as(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Values of a type, down to those of structures, which may have further fields; times lose their nanoseconds."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_struct(kind) and pa.types.is_struct(values.type):
        inner = [_as(values.field(field.name), field.type) for field in kind]
        return pa.StructArray.from_arrays(inner, fields=list(kind), mask=values.is_null())
    if pa.types.is_timestamp(kind):
        return values.cast(pa.timestamp("us", values.type.tz), safe=False).cast(kind)
    return values.cast(kind)
