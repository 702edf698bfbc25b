"""Rows under one more key: every column that names people, by its contract, and nothing else.

A file says in its footer how many keys it is hashed under, so that no row is hashed twice by a rotation that goes on.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.pseudonyms import person_named_after, rekeyed, row_id_rekeyed
from contracts.schema import Table

_GENERATION = b"nightshift.keys"


@dataclass(frozen=True)
class Renaming:
    """From the names under the older keys to those under one more."""

    key: bytes
    persons: Mapping[str, str]
    """Old person id -> new one, as of the day of the rows."""

    def person(self, old: str) -> str:
        """The new id of a person, which follows from the old one where no identifier of theirs is known any more."""
        return self.persons.get(old) or retired(old)

    def of(self, holds: str) -> Callable[[str], str]:
        """The renaming of a column that `holds` names."""
        return {
            "identifier": lambda old: rekeyed(self.key, old),
            "keyed": lambda old: row_id_rekeyed(self.key, old),
            "person": self.person,
        }[holds]


def retired(person_id: str) -> str:
    """The new id of a person that no published day knows."""
    return f"p{hashlib.sha256(f'retired {person_id}'.encode()).hexdigest()[:16]}"


def renamed_persons(rows: Iterable[tuple[str, str, object]], key: bytes) -> dict[str, str]:
    """Old person id -> new one, from (identifier, person_id, first_ds): the rule by which resolving names people."""
    first: dict[str, tuple] = {}
    for identifier, person_id, first_ds in rows:
        known = (first_ds, rekeyed(key, identifier))
        first[person_id] = min(first.get(person_id, known), known)
    return {person_id: person_named_after(identifier) for person_id, (_, identifier) in first.items()}


def rekeyed_files(files: list[Path], table: Table, renaming: Renaming, keys: int, staging: Path) -> dict[str, Path]:
    """Write a partition again below `staging`, under as many keys as `keys` says: name -> file.

    Each owner's files are in the order of the table's key, as they were; CSV files keep their order.
    """
    written = {}
    parts = [file for file in files if file.suffix == ".parquet"]
    for _, group in groupby(parts, key=lambda file: file.stem.rpartition("-")[0]):
        owned = list(group)
        tables = [pq.ParquetFile(file).read() for file in owned]
        whole = _rekeyed(pa.concat_tables(tables), table, renaming)
        metadata = {**(tables[0].schema.metadata or {}), _GENERATION: str(keys).encode()}
        at = 0
        for file, part in zip(owned, tables, strict=True):
            rows = whole.slice(at, len(part)).replace_schema_metadata(metadata)
            at += len(part)
            written[file.name] = staging / file.name
            pq.write_table(rows, written[file.name], compression=_compression(file))
    for file in files:
        if file.suffix == ".csv":
            written[file.name] = staging / file.name
            _rename_csv(file, written[file.name], renaming)
        elif file not in parts:
            written[file.name] = staging / file.name
            written[file.name].write_bytes(file.read_bytes())
    return written


def keys_of(files: list[Path]) -> int | None:
    """Under how many keys a partition is hashed, where a rotation wrote it."""
    written = {(pq.read_schema(file).metadata or {}).get(_GENERATION) for file in files if file.suffix == ".parquet"}
    return int(written.pop()) if len(written) == 1 and None not in written else None


def _rekeyed(rows: pa.Table, table: Table, renaming: Renaming) -> pa.Table:
    for column in table.columns:
        if column.holds and column.name in rows.schema.names:
            place = rows.schema.get_field_index(column.name)
            renamed = _renamed(rows.column(column.name), renaming.of(column.holds))
            rows = rows.set_column(place, rows.schema.field(place), renamed)
    order = [(name, "ascending") for name in table.key if name in rows.schema.names]
    return rows.sort_by(order) if order else rows


def _renamed(values: pa.ChunkedArray, rename: Callable[[str], str]) -> pa.ChunkedArray:
    """Each distinct value is renamed once."""
    texts = values.combine_chunks().dictionary_encode()
    texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    names = pa.array([rename(text) for text in texts.dictionary.to_pylist()], values.type)
    return pa.chunked_array([names.take(texts.indices)], values.type)


def _compression(file: Path) -> str:
    groups = pq.ParquetFile(file).metadata
    return groups.row_group(0).column(0).compression.lower() if groups.num_row_groups else "snappy"


def _rename_csv(file: Path, target: Path, renaming: Renaming) -> None:
    """The people of an audience that is handed on as CSV."""
    with file.open(newline="") as stream, target.open("w", newline="") as copy:
        rows, writer = csv.reader(stream), csv.writer(copy, lineterminator="\r\n")
        header = next(rows, [])
        writer.writerow(header)
        place = header.index("person_id") if "person_id" in header else None
        for row in rows:
            if place is not None:
                row[place] = renaming.person(row[place])
            writer.writerow(row)
