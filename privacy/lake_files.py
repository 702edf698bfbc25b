"""Somebody out of a file outside raw: its rows, where it is a table, else their names.

| file | what happens to it |
|---|---|
| Parquet | every row goes in which a value is an identifier or id of theirs, or a text that names them |
| separated values | the same |
| DuckDB | made anew with what is kept from night to night, without them; the next night makes the rest |
| SQLite | every cell that names them gets `[erased]` instead, in its place |
| text (logs, JSON, pages) | `[erased]` instead of every name |
| anything else (dbt's caches, checkpoints, boards) | the whole file goes; the next run makes it anew |
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Collection
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.tables.marts import PROFILE_HISTORY
from privacy.raw_files import quoted_lines
from privacy.search import Needles, is_text, pattern
from privacy.unpacking import text_arrays

ERASED_WORD = "[erased]"

_BUSY_SECONDS = 30

_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})")


class Named:
    """What names somebody outside raw."""

    def __init__(self, needles: dict[str, str], exact: Collection[str]) -> None:
        """`needles`: value -> kind, for texts; `exact`: whole values of cells: identifiers, and ids of rows."""
        self.needles = Needles(needles)
        self.exact = set(exact)
        self._patterns = [
            re.compile(_text_pattern(value, kind), re.IGNORECASE)
            for value, kind in sorted(needles.items(), key=lambda item: -len(item[0]))
            if value not in self.needles.left_out
        ]

    def are_in(self, text: str) -> bool:
        return bool(self.needles.found_in(text.encode(errors="surrogateescape")))

    def replaced(self, text: str) -> str:
        for one in self._patterns:
            text = one.sub(ERASED_WORD, text)
        return text


def _text_pattern(value: str, kind: str) -> str:
    return pattern(value.encode(), kind).pattern.replace(rb"\x80-\xff", b"").decode().replace("[a-z0-9_]", r"\w")


def without_rows(file: Path, draft: Path, traces: Named, ids: Collection[str]) -> int:
    """Write a Parquet file anew without somebody's rows; returns how many went.

    Args:
        ids: ids that mean the person on the day of this file, beside those in `traces`.
    """
    source = pq.ParquetFile(file)
    exact = pa.array(sorted({*traces.exact, *ids}), pa.string())
    compression = (
        source.metadata.row_group(0).column(0).compression.lower() if source.metadata.num_row_groups else "none"
    )
    gone = 0
    with pq.ParquetWriter(draft, source.schema_arrow, compression=compression, version="2.6") as writer:
        for batch in source.iter_batches():
            theirs = pa.array([False] * batch.num_rows)
            for column in batch.columns:
                theirs = pc.or_(theirs, _names(column, traces, exact))
            gone += pc.sum(theirs).as_py() or 0
            kept = batch.filter(pc.invert(theirs))
            if kept.num_rows:
                writer.write_batch(kept)
    return gone


def _names(column: pa.Array, traces: Named, exact: pa.Array) -> pa.Array:
    """For each value of a column, whether it names the person anywhere in it."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        texts = column.cast(pa.string())
        values = [value for value in texts.unique().to_pylist() if value is not None]
        if traces.needles.found_in("\n".join(values).encode(errors="replace")):
            exact = pa.concat_arrays(
                [exact, pa.array([value for value in values if traces.are_in(value)], pa.string())]
            )
        return pc.fill_null(pc.is_in(texts, value_set=exact), False)
    if not pa.types.is_nested(kind):
        return pa.array([False] * len(column))
    inside = [_names(values, traces, exact) for values in text_arrays(column)]
    if not any(pc.any(found).as_py() for found in inside):
        return pa.array([False] * len(column))
    known = set(exact.to_pylist())
    return pa.array([_is_in(value, traces, known) for value in column.to_pylist()])


def _is_in(value: object, traces: Named, exact: set[str]) -> bool:
    if isinstance(value, str):
        return value in exact or traces.are_in(value)
    if isinstance(value, dict):
        return any(_is_in(one, traces, exact) for one in value.values())
    if isinstance(value, list | tuple):
        return any(_is_in(one, traces, exact) for one in value)
    return False


def without_records(file: Path, draft: Path, traces: Named, ids: Collection[str]) -> int:
    """Write separated values anew without the records that name somebody; returns how many went."""
    words = re.compile(rb"(?<!\w)(?:" + b"|".join(one.encode() for one in sorted(ids)) + rb")(?!\w)") if ids else None
    kept, gone = [], 0
    for piece in quoted_lines(file.read_bytes()):
        theirs = traces.needles.found_in(piece) or (words is not None and words.search(piece))
        kept += [] if theirs else [piece]
        gone += bool(theirs)
    draft.write_bytes(b"".join(kept))
    return gone


def without_names(file: Path, draft: Path, traces: Named) -> int:
    """Write a text anew with `[erased]` instead of somebody's names; returns how many lines changed."""
    lines = file.read_bytes().decode(errors="surrogateescape").splitlines(keepends=True)
    changed = [traces.replaced(line) if traces.are_in(line) else line for line in lines]
    draft.write_bytes("".join(changed).encode(errors="surrogateescape"))
    return sum(one != other for one, other in zip(lines, changed, strict=True))


def warehouse_anew(file: Path, draft: Path, traces: Named, ids_of_day: dict[str, list[str]]) -> int:
    """Write a warehouse that holds the history of profiles alone, without somebody's; returns how many rows went.

    A file that is only deleted from would keep what was in its free blocks.
    """
    draft.unlink(missing_ok=True)
    gone = 0
    with duckdb.connect(str(draft)) as connection:
        connection.execute(f"attach '{str(file).replace(chr(39), chr(39) * 2)}' as old (read_only)")
        for schema, table in connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'old' and table_name = ?",
            [PROFILE_HISTORY.name],
        ).fetchall():
            theirs = "list_contains(?, person_id) or list_contains(?, strftime(as_of, '%Y-%m-%d') || person_id)"
            on_day = [f"{day}{one}" for day, ids in ids_of_day.items() for one in ids]
            source, given = f'old."{schema}"."{table}"', [sorted(traces.exact), on_day]
            gone += connection.execute(f"select count(*) from {source} where {theirs}", given).fetchone()[0]
            connection.execute(f'create schema if not exists "{schema}"')
            connection.execute(f'create table "{schema}"."{table}" as from {source} where not ({theirs})', given)
        connection.execute("detach old")
        connection.execute("checkpoint")
    return gone


def cells_replaced(file: Path, traces: Named) -> int:
    """Put `[erased]` into each cell of an SQLite file that names somebody, and clear its pages; counts the cells."""
    changed = 0
    with contextlib.closing(sqlite3.connect(file, timeout=_BUSY_SECONDS)) as connection:
        connection.execute("pragma secure_delete = on")
        for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
            for _, column, *_ in connection.execute(f'pragma table_info("{table}")').fetchall():
                values = connection.execute(
                    f'select distinct "{column}" from "{table}" where typeof("{column}") = ?', ["text"]
                )
                for (value,) in values.fetchall():
                    if traces.are_in(value):
                        update = f'update "{table}" set "{column}" = ? where "{column}" = ?'
                        changed += connection.execute(update, [traces.replaced(value), value]).rowcount
        connection.commit()
        with contextlib.suppress(sqlite3.OperationalError):  # another has it open; secure_delete has cleared the pages
            connection.execute("pragma wal_checkpoint(truncate)")
            connection.execute("vacuum")
    return changed


def kind_of(file: Path) -> str:
    """`parquet`, `duckdb`, `sqlite`, `csv`, `text` or `other`."""
    with file.open("rb") as stream:
        start = stream.read(16)
    if start.startswith(b"PAR1"):
        return "parquet"
    if start[8:12] == b"DUCK":
        return "duckdb"
    if start.startswith(b"SQLite format 3"):
        return "sqlite"
    if file.suffix == ".csv":
        return "csv"
    return "text" if is_text(file.read_bytes()) else "other"


def day_of(place: str) -> str:
    """The day of the partition in which a file lies; empty outside any."""
    days = _DAY.findall(place.rpartition("/")[0])
    return days[-1] if days else ""
