"""JSON documents: arrays, pretty-printed objects, an assignment in front, several values in a file.

A document is cut into its records by one pass, a piece at a time, so that its size does not matter; only a record of
more than `LONGEST_RECORD` characters is too long to be read. What is in a record is read like a JSON line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.mapping.readers.json_lines import with_fields
from spark_jobs.mapping.readers.packed import as_read, open_text
from spark_jobs.mapping.readers.staged import BATCH_CHARACTERS, BATCH_ROWS, ROW_FIELDS, StagedRow, Staging, staged_rows
from spark_jobs.mapping.reading import Reading

LONGEST_RECORD = 1 << 26
"""Characters of a record; what is longer is malformed, and so is the rest of its file if no end of it is in sight."""

MALFORMED, NO_RECORDS = "malformed", "no_records"
"""Why a record cannot be read: it is no JSON, or the document has no array at the mapping's `records`."""

_SHOWN_CHARACTERS = 1 << 20
"""Characters of a malformed record that are kept."""

_HEAD_CHARACTERS = 1000
"""Characters of a document without records that are kept."""

_CHUNK_CHARACTERS = 1 << 20

_BLANKS = re.compile(r"[\s\ufeff\x1e]*")
_ASSIGNMENT = re.compile(r"(?:(?:var|let|const)\s+)?[A-Za-z_$][\w$.]*(?:\[[^\]\n]{1,100}\])?\s*=\s*(?=[\[{])")
_STRUCTURE = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)


def read(session: SparkSession, reading: Reading, files: Sequence[Path], scratch: Path) -> DataFrame:
    """The top-level fields of `reading.schema`, and `raw_row`."""
    path = tuple(reading.records.split(".")) if reading.records else ()
    with Staging(scratch / "documents", pa.schema(ROW_FIELDS)).writing() as staging:
        for file in files:
            for rows in _batches(file, reading.encoding, path):
                staging.write_rows(file, rows)
    rows = staged_rows(session, staging.folder)
    return with_fields(rows.withColumnRenamed("raw_problem", "staged_problem"), reading, "staged_problem")


def _batches(file: Path, encoding: str, path: tuple[str, ...]) -> Iterator[list[StagedRow]]:
    rows: list[StagedRow] = []
    characters = 0
    with open_text(file, encoding) as stream:
        for number, record in enumerate(records(stream, path), start=1):
            text, problem = as_read(record.text)
            rows.append(StagedRow(number, text, problem or record.problem))
            characters += len(text)
            if len(rows) >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
                yield rows
                rows, characters = [], 0
    yield rows


class JsonRecord(NamedTuple):
    """One record of a document."""

    text: str
    problem: str | None
    start: int
    """Characters of the document before it."""
    end: int
    """And up to its end."""


def records(stream: TextIO, path: tuple[str, ...] = ()) -> Iterator[JsonRecord]:
    """The records of a document in their order: its values, or the elements of those that are arrays.

    Args:
        path: the names that lead to the array (or the object) in each value.
    """
    return _Document(stream).records(path)


class _Document:
    """A text that is read from its start, of which only a part is in memory."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._text = ""
        self._gone = 0
        """Characters that were before `_text`."""
        self._at = 0
        """The place in `_text`."""
        self._from = 0
        """Where the value begins that is being read; `_text` keeps it."""
        self._ended = False
        self._scan = json.JSONDecoder(parse_int=str, parse_float=str).scan_once

    def records(self, path: tuple[str, ...]) -> Iterator[JsonRecord]:
        self._blanks()
        self._skip(_ASSIGNMENT)
        while self._next():
            yield from self._value(path)
            self._blanks()
            while self._next() == ";":
                self._at += 1
                self._blanks()
                self._skip(_ASSIGNMENT)

    def _value(self, path: tuple[str, ...]) -> Iterator[JsonRecord]:
        """The records of the value at this place, which may be an array of them."""
        if self._next() == "[":
            yield from self._elements(path)
        elif self._next() == "{" and path:
            yield from self._below(path)
        elif self._next() == "{":
            yield self._record(inside=False)
        else:
            yield self._words()

    def _elements(self, path: tuple[str, ...]) -> Iterator[JsonRecord]:
        self._at += 1
        self._blanks()
        if self._next() == "]":
            self._at += 1
            return
        while True:
            if path and self._next() == "{":
                yield from self._below(path)
            else:
                yield self._record(inside=True)
            self._blanks()
            separator = self._next()
            if separator not in ("]", ","):  # the document ends within the array, or goes on without sense
                yield self._rest()
                return
            self._at += 1
            if separator == ",":
                self._blanks()
                if self._next() != "]":
                    continue
                self._at += 1  # a comma behind the last element
            return

    def _below(self, path: tuple[str, ...]) -> Iterator[JsonRecord]:
        """The records under the first name of `path` in the object at this place."""
        start, head, found = self._gone + self._at, self._text[self._at : self._at + _HEAD_CHARACTERS], False
        self._at += 1
        self._blanks()
        while self._next() != "}":
            name = self._scanned()
            self._blanks()
            if not isinstance(name, str) or self._next() != ":":
                yield self._rest()
                return
            self._at += 1
            self._blanks()
            if name == path[0] and self._next() in ("[", "{"):
                found = True
                yield from self._value(path[1:])
            elif self._scanned() is _NO_VALUE:
                yield self._rest()
                return
            self._blanks()
            if self._next() == ",":
                self._at += 1
                self._blanks()
            elif self._next() != "}":
                yield self._rest()
                return
        self._at += 1
        if not found:
            end = self._gone + self._at
            yield JsonRecord(head[: end - start], NO_RECORDS, start, end)

    def _record(self, *, inside: bool) -> JsonRecord:
        """The value at this place as one record; where it is none, up to where it seems to end.

        Args:
            inside: the record is an element of an array, whose bracket is not its own.
        """
        if self._scanned() is not _NO_VALUE:
            return self._cut(self._text[self._from : self._at], None)
        depth = 0
        for token in _STRUCTURE.finditer(self._text, self._from):
            sign = token[0]
            if depth == 0 and inside and sign in ("]", ","):
                return self._broken(token.start())
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(sign, 0)
            if depth <= 0 and not inside and sign in ("]", "}"):
                return self._broken(token.end())
        return self._rest()

    def _words(self) -> JsonRecord:
        """What is no object and no array, up to the end of its line."""
        self._from = self._at
        end = self._text.find("\n", self._at)
        return self._broken(len(self._text) if end < 0 else end)

    def _broken(self, end: int) -> JsonRecord:
        self._at = end
        return self._cut(self._text[self._from : end][:_SHOWN_CHARACTERS].rstrip(), MALFORMED)

    def _rest(self) -> JsonRecord:
        """All that is left, which is not looked into any more."""
        self._from, start = self._at, self._gone + self._at
        text = self._text[self._at :][:_SHOWN_CHARACTERS]
        while not self._ended:
            self._from = self._at = len(self._text)
            self._read(_CHUNK_CHARACTERS)
        self._from = self._at = len(self._text)
        return JsonRecord(text, MALFORMED, start, self._gone + self._at)

    def _cut(self, text: str, problem: str | None) -> JsonRecord:
        return JsonRecord(text, problem, self._gone + self._from, self._gone + self._at)

    def _scanned(self) -> object:
        """The value at this place, behind which it goes on; `_NO_VALUE` where there is none."""
        self._from = self._at
        wanted = _CHUNK_CHARACTERS
        while True:
            try:
                value, end = self._scan(self._text, self._at)
            except (StopIteration, ValueError, RecursionError):
                value, end = _NO_VALUE, len(self._text)
            # a value that ends with what is in memory may go on
            if end < len(self._text) or self._ended or len(self._text) - self._at > LONGEST_RECORD:
                if value is not _NO_VALUE:
                    self._at = end
                return value
            self._read(wanted)
            wanted *= 2

    def _next(self) -> str:
        """The sign at this place; empty at the end of the document."""
        while self._at >= len(self._text) and not self._ended:
            self._from = self._at
            self._read(_CHUNK_CHARACTERS)
        return self._text[self._at : self._at + 1]

    def _blanks(self) -> None:
        while self._next():
            self._at = _BLANKS.match(self._text, self._at).end()
            if self._at < len(self._text):
                return

    def _skip(self, pattern: re.Pattern[str]) -> None:
        if found := pattern.match(self._text, self._at):
            self._at = found.end()

    def _read(self, characters: int) -> None:
        """Read on, and let go of what is behind where that is the larger part."""
        more = self._stream.read(characters)
        self._ended = not more
        if self._from > len(self._text) // 2:
            self._text = self._text[self._from :]
            self._gone += self._from
            self._at -= self._from
            self._from = 0
        self._text += more


_NO_VALUE = object()
