"""What stands in a file, however it is packed: its bytes, what they unpack to, and the cells of its tables.

Understood are gzip, bzip2, xz, zlib, zip (so `.keras` and `.npz` too), Parquet with its dictionaries, statistics and
metadata, DuckDB and SQLite, each also inside another. Everything else is searched as the bytes that it is.
"""

from __future__ import annotations

import bz2
import contextlib
import io
import lzma
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.settings import duckdb_config
from privacy.file_formats import BZIP2, COMPRESSED, DUCKDB, GZIP, HEAD_BYTES, PARQUET, SQLITE, XZ, ZIP, ZLIB, format_of

CHUNK_BYTES = 64 << 20
OVERLAP_BYTES = 4096
"""What is searched twice where a large file is cut, because a name may stand across the cut."""

DEEPEST = 5
"""Files in files in files."""

_PIECE_BYTES = 1 << 16

_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    GZIP: lambda: zlib.decompressobj(31),
    ZLIB: zlib.decompressobj,
    BZIP2: bz2.BZ2Decompressor,
    XZ: lzma.LZMADecompressor,
}
"""Format -> what unpacks one member of such a file."""

_TEXT_TYPES = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)


@dataclass(frozen=True)
class Part:
    """A piece of a file: where in it, and the bytes there."""

    within: str
    """Empty for the file's own bytes, else a member's name or `<table>.<column>`."""
    data: bytes
    cells: bool = False
    """Whether these are the values of a table, a line each."""


def parts_of(file: Path) -> Iterator[Part]:
    """Every piece of a file in which something could stand.

    Raises:
        OSError, duckdb.Error, sqlite3.Error, pa.ArrowException: the file, or what it seems to be, cannot be read.
    """
    with file.open("rb") as stream:
        head = stream.read(CHUNK_BYTES)
        yield Part("", head)
        while more := stream.read(CHUNK_BYTES):
            yield Part("", head[-OVERLAP_BYTES:] + more)
            head = more
        stream.seek(0)
        kind = format_of(stream.read(HEAD_BYTES))
    if kind == DUCKDB:
        yield from _duckdb_cells(file)
    elif kind == SQLITE:
        yield from _sqlite_cells(file)
    elif kind == PARQUET:
        yield from _parquet_cells(file, "")
    elif kind:
        yield from _unpacked(file.read_bytes(), "", DEEPEST)


def _unpacked(data: bytes, within: str, depth: int) -> Iterator[Part]:
    """What packed bytes hold, and what that holds."""
    if depth == 0:
        return
    kind = format_of(data[:HEAD_BYTES])
    if kind == PARQUET:
        yield from _parquet_cells(data, within)
    elif kind == ZIP:
        with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                member = archive.read(name)
                yield Part(f"{within}{name}", member)
                yield from _unpacked(member, f"{within}{name}!", depth - 1)
    elif kind in COMPRESSED:
        inner = _decompressed(data, _DECOMPRESSORS[kind])
        yield Part(f"{within}unpacked", inner)
        yield from _unpacked(inner, f"{within}unpacked!", depth - 1)


def _decompressed(data: bytes, decompressor: Callable[[], Any]) -> bytes:
    """All members of a compressed file, as far as they can be read."""
    whole, at = [], 0
    while at < len(data):
        stream = decompressor()
        try:
            while at < len(data) and not stream.eof:
                piece = data[at : at + _PIECE_BYTES]
                whole.append(stream.decompress(piece))
                at += len(piece)
        except (zlib.error, OSError, EOFError, lzma.LZMAError):
            break
        at -= len(stream.unused_data)
    return b"".join(whole)


def _parquet_cells(source: Path | bytes, within: str) -> Iterator[Part]:
    def opened(**options: Any) -> pq.ParquetFile:
        return pq.ParquetFile(io.BytesIO(source) if isinstance(source, bytes) else source, **options)

    with opened() as file:
        metadata, schema = file.metadata, file.schema_arrow
    yield Part(f"{within}metadata", b"\n".join(piece for pair in (metadata.metadata or {}).items() for piece in pair))
    statistics = []
    for group in range(metadata.num_row_groups):
        for place in range(metadata.num_columns):
            known = metadata.row_group(group).column(place).statistics
            if known is not None and known.has_min_max:
                statistics += [known.min, known.max]
    yield Part(f"{within}statistics", _lines(statistics), cells=True)
    # as dictionaries, because a dictionary may hold what no row names any more
    flat = [field.name for field in schema if pa.types.is_string(field.type)]
    with opened(read_dictionary=flat) as file:
        for batch in file.iter_batches():
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                for values in text_arrays(column):
                    yield Part(f"{within}{name}", _lines(values.to_pylist()), cells=True)


def text_arrays(column: pa.Array) -> Iterator[pa.Array]:
    """The texts and whole numbers of a column of any type, each once."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        yield column.dictionary
    elif pa.types.is_struct(kind):
        for place in range(kind.num_fields):
            yield from text_arrays(column.field(place))
    elif pa.types.is_map(kind):
        yield from text_arrays(column.keys)
        yield from text_arrays(column.items)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from text_arrays(column.flatten())
    elif pa.types.is_integer(kind) or any(is_kind(kind) for is_kind in _TEXT_TYPES):
        yield column.unique()


def _duckdb_cells(file: Path) -> Iterator[Part]:
    with duckdb.connect(str(file), read_only=True, config=duckdb_config()) as connection:
        listed = "select schema_name, table_name, column_name, data_type from duckdb_columns() where not internal"
        for schema, table, column, kind in connection.execute(listed).fetchall():
            if kind in ("DOUBLE", "FLOAT", "BOOLEAN", "DATE", "TIMESTAMP"):
                continue
            query = (
                f'select distinct cast("{column}" as varchar) from "{schema}"."{table}" where "{column}" is not null'
            )
            with contextlib.suppress(duckdb.CatalogException, duckdb.IOException):  # a view of files that are gone
                rows = connection.execute(query)
                while cells := rows.fetchmany(100_000):
                    yield Part(f"{table}.{column}", _lines(value for (value,) in cells), cells=True)


def _sqlite_cells(file: Path) -> Iterator[Part]:
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    with contextlib.closing(connection):
        for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
            for _, column, *_ in connection.execute(f'pragma table_info("{table}")').fetchall():
                rows = connection.execute(f'select distinct "{column}" from "{table}" where "{column}" is not null')
                while cells := rows.fetchmany(10_000):
                    yield Part(f"{table}.{column}", _lines(value for (value,) in cells), cells=True)
                    for (value,) in cells:
                        if isinstance(value, bytes):
                            yield from _unpacked(value, f"{table}.{column}!", DEEPEST)


def _lines(values: Iterable[Any]) -> bytes:
    return b"\n".join(
        value if isinstance(value, bytes) else str(value).encode(errors="replace")
        for value in values
        if value is not None
    )
