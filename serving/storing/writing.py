"""A file of the store, written table by table in the order of its keys."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import lmdb
import numpy as np
import pyarrow as pa

from serving.online.layout import ROOM, TABLES_OF

_ROWS_A_TRANSACTION = 50_000
"""What a transaction writes is held in memory until it ends."""


class Writer:
    """Writes into a new file; nothing of it is sure to be on the disk before `open_writer` has ended."""

    def __init__(self, environment: lmdb.Environment, tables: tuple[str, ...]) -> None:
        self._environment = environment
        self._tables = {name: environment.open_db(name.encode()) for name in tables}

    def put(self, table: str, rows: Iterable[tuple[bytes, bytes]]) -> int:
        """Append rows, whose keys are in order and behind those that are there; returns their number."""
        written, left = 0, iter(rows)
        while True:
            some = [row for _, row in zip(range(_ROWS_A_TRANSACTION), left, strict=False)]
            if not some:
                return written
            with self._environment.begin(write=True) as transaction:
                transaction.cursor(self._tables[table]).putmulti(some, append=True)
            written += len(some)


@contextlib.contextmanager
def open_writer(file: Path) -> Iterator[Writer]:
    """A writer of one of the files of a store; when this ends well, the file is on the disk."""
    tables = TABLES_OF[file.name]
    environment = lmdb.open(
        str(file), subdir=False, map_size=ROOM, max_dbs=len(tables), sync=False, lock=False, readahead=False
    )
    try:
        yield Writer(environment, tables)
        environment.sync(True)
    finally:
        environment.close()


def grouped(batches: Iterable[pa.RecordBatch], key: str, values: np.dtype) -> Iterator[tuple[bytes, bytes]]:
    """Rows of one key after the other as (8 bytes of the key, its rows one behind the other).

    Args:
        batches: with a column `key` of unsigned numbers, in their order, and a column for each field of `values`.
    """
    before, kept = None, b""
    for batch in batches:
        keys = batch[key].to_numpy(zero_copy_only=False).astype(">u8")
        rows = np.empty(len(keys), values)
        for name in values.names:
            rows[name] = batch[name].to_numpy(zero_copy_only=False)
        starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        names, content = keys[starts].tobytes(), rows.tobytes()
        ends = np.append(starts[1:], len(keys)) * values.itemsize
        for place, (start, end) in enumerate(zip((starts * values.itemsize).tolist(), ends.tolist(), strict=True)):
            name = names[8 * place : 8 * place + 8]
            if name == before:
                kept += content[start:end]
                continue
            if before is not None:
                yield before, kept
            before, kept = name, content[start:end]
    if before is not None:
        yield before, kept
