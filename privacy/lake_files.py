"""A person out of a file outside raw: their rows where it is a table, else their names.

| file | what happens to it |
|---|---|
| Parquet | every row goes in which a value is an identifier or id of the person, or a text that names the person |
| separated values | the same |
| DuckDB | rewritten with the history of profiles alone, without the person; the next night makes the rest |
| SQLite | every cell that names the person gets `[erased]` instead, in its place |
| text (logs, JSON, pages) | `[erased]` instead of every name |
| anything else (dbt's caches, checkpoints, TensorBoard) | the whole file goes; the next run writes it again |
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Collection, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.settings import duckdb_config
from contracts.tables.marts import PROFILE_HISTORY
from privacy.file_formats import DUCKDB, HEAD_BYTES, PARQUET, SQLITE, format_of, is_text
from privacy.matcher import PersonMatcher
from privacy.raw_files import quoted_lines
from privacy.unpacking import text_arrays

ERASED_WORD = "[erased]"

UNREADABLE = (pa.ArrowException, duckdb.Error, sqlite3.Error)
"""What is raised here for a file that is not what it seems to be."""

_BUSY_SECONDS = 30

_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})")


def without_rows(file: Path, draft: Path, matcher: PersonMatcher, ids: Collection[str]) -> int:
    """Write a Parquet file again without a person's rows; returns how many went.

    Args:
        ids: ids that mean the person on the day of this file, beside those in `matcher`.
    """
    source = pq.ParquetFile(file)
    exact = pa.array(sorted({*matcher.exact, *ids}), pa.string())
    compression = (
        source.metadata.row_group(0).column(0).compression.lower() if source.metadata.num_row_groups else "none"
    )
    gone = 0
    with pq.ParquetWriter(draft, source.schema_arrow, compression=compression, version="2.6") as writer:
        for batch in source.iter_batches():
            is_theirs = pa.array([False] * batch.num_rows)
            for column in batch.columns:
                is_theirs = pc.or_(is_theirs, _naming_values(column, matcher, exact))
            gone += pc.sum(is_theirs).as_py() or 0
            kept = batch.filter(pc.invert(is_theirs))
            if kept.num_rows:
                writer.write_batch(kept)
    return gone


def _naming_values(column: pa.Array, matcher: PersonMatcher, exact: pa.Array) -> pa.Array:
    """For each value of a column, whether it names the person anywhere in it (rows,)."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        texts = column.cast(pa.string())
        values = [value for value in texts.unique().to_pylist() if value is not None]
        if matcher.is_in("\n".join(values).encode(errors="replace")):
            exact = pa.concat_arrays(
                [exact, pa.array([value for value in values if matcher.is_in(value)], pa.string())]
            )
        return pc.fill_null(pc.is_in(texts, value_set=exact), False)
    if not pa.types.is_nested(kind):
        return pa.array([False] * len(column))
    inside = [_naming_values(values, matcher, exact) for values in text_arrays(column)]
    if not any(pc.any(found).as_py() for found in inside):
        return pa.array([False] * len(column))
    known = set(exact.to_pylist())
    return pa.array([_is_in(value, matcher, known) for value in column.to_pylist()])


def _is_in(value: object, matcher: PersonMatcher, exact: set[str]) -> bool:
    if isinstance(value, str):
        return value in exact or matcher.is_in(value)
    if isinstance(value, dict):
        return any(_is_in(one, matcher, exact) for one in value.values())
    if isinstance(value, list | tuple):
        return any(_is_in(one, matcher, exact) for one in value)
    return False


def without_records(file: Path, draft: Path, matcher: PersonMatcher, ids: Collection[str]) -> int:
    """Write separated values again without the records that name a person; returns how many went."""
    words = re.compile(rb"(?<!\w)(?:" + b"|".join(one.encode() for one in sorted(ids)) + rb")(?!\w)") if ids else None
    kept, gone = [], 0
    for piece in quoted_lines(file.read_bytes()):
        is_theirs = matcher.is_in(piece) or (words is not None and words.search(piece))
        kept += [] if is_theirs else [piece]
        gone += bool(is_theirs)
    draft.write_bytes(b"".join(kept))
    return gone


def without_names(file: Path, draft: Path, matcher: PersonMatcher) -> int:
    """Write a text again with `[erased]` instead of a person's names; returns how many lines changed."""
    lines = file.read_bytes().decode(errors="surrogateescape").splitlines(keepends=True)
    changed = [matcher.without_names(line) if matcher.is_in(line) else line for line in lines]
    draft.write_bytes("".join(changed).encode(errors="surrogateescape"))
    return sum(one != other for one, other in zip(lines, changed, strict=True))


def without_history(file: Path, draft: Path, matcher: PersonMatcher, ids_of_day: Mapping[str, Collection[str]]) -> int:
    """Write a warehouse that holds the history of profiles alone, without a person's; returns how many rows went.

    A file that is only deleted from would keep what was in its free blocks.
    """
    draft.unlink(missing_ok=True)
    gone = 0
    with duckdb.connect(str(draft), config=duckdb_config()) as connection:
        connection.execute(f"attach '{str(file).replace(chr(39), chr(39) * 2)}' as old (read_only)")
        for schema, table in connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'old' and table_name = ?",
            [PROFILE_HISTORY.name],
        ).fetchall():
            is_theirs = "list_contains(?, person_id) or list_contains(?, strftime(as_of, '%Y-%m-%d') || person_id)"
            on_day = [f"{day}{one}" for day, ids in ids_of_day.items() for one in ids]
            source, parameters = f'old."{schema}"."{table}"', [sorted(matcher.exact), on_day]
            gone += connection.execute(f"select count(*) from {source} where {is_theirs}", parameters).fetchone()[0]
            connection.execute(f'create schema if not exists "{schema}"')
            connection.execute(
                f'create table "{schema}"."{table}" as from {source} where not ({is_theirs})', parameters
            )
        connection.execute("detach old")
        connection.execute("checkpoint")
    return gone


def replace_cells(file: Path, matcher: PersonMatcher) -> int:
    """Put `[erased]` into each cell of an SQLite file that names a person, and clear its pages; counts the cells."""
    changed = 0
    with contextlib.closing(sqlite3.connect(file, timeout=_BUSY_SECONDS)) as connection:
        connection.execute("pragma secure_delete = on")
        for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
            for _, column, *_ in connection.execute(f'pragma table_info("{table}")').fetchall():
                values = connection.execute(
                    f'select distinct "{column}" from "{table}" where typeof("{column}") = ?', ["text"]
                )
                for (value,) in values.fetchall():
                    if matcher.is_in(value):
                        update = f'update "{table}" set "{column}" = ? where "{column}" = ?'
                        changed += connection.execute(update, [matcher.without_names(value), value]).rowcount
        connection.commit()
        with contextlib.suppress(sqlite3.OperationalError):  # another has it open; secure_delete has cleared the pages
            connection.execute("pragma wal_checkpoint(truncate)")
            connection.execute("vacuum")
    return changed


def kind_of(file: Path) -> str:
    """How a person is taken out of a file: `parquet`, `duckdb`, `sqlite`, `csv`, `text` or `other`."""
    with file.open("rb") as stream:
        kind = format_of(stream.read(HEAD_BYTES))
    if kind in (PARQUET, DUCKDB, SQLITE):
        return kind
    if file.suffix == ".csv":
        return "csv"
    return "text" if is_text(file.read_bytes()) else "other"


def day_of(place: str) -> str:
    """The day of the partition in which a file lies; empty outside any."""
    days = _DAY.findall(place.rpartition("/")[0])
    return days[-1] if days else ""
