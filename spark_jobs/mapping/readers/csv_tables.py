"""CSV files with header rows, as surveys are exported: quoted fields, line breaks in them, columns that change.

A file is read by its own header, since a survey may change from one delivery to the next. Header rows, those of files
that were joined among them, and blank lines are rows that are read and dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from contracts.errors import RawDataError
from spark_jobs.mapping.readers.lines import BLANK_LINE
from spark_jobs.mapping.readers.packed import as_read, open_text
from spark_jobs.mapping.readers.records import bounded_lines, records
from spark_jobs.mapping.readers.staged import BATCH_CHARACTERS, BATCH_ROWS, ROW_FIELDS, Staging, staged_rows
from spark_jobs.mapping.reading import Reading
from spark_jobs.mapping.redaction import redacted_title

HEADER_ROW = "header_row"
"""The rule by which a header row is dropped."""

_IMPORT_ID = '{"ImportId"'
"""Begins the cells of the last header row of an export from Qualtrics."""

_HEAD_RECORDS = 20
"""Records that are looked at to find where the header ends."""

_SCHEMA = pa.schema(
    [
        *ROW_FIELDS,
        pa.field("raw_unknown", pa.list_(pa.string())),
        pa.field("raw_key", pa.string()),
        pa.field("raw_fields", pa.map_(pa.string(), pa.string())),
        pa.field("raw_answers", pa.list_(pa.struct([("question", pa.string()), ("answer", pa.string())]))),
    ]
)


def read(session: SparkSession, reading: Reading, files: Sequence[Path], scratch: Path) -> DataFrame:
    """`raw_key`, `raw_answers` (an array of `question`, `answer` without the empty ones), `raw_fields`, `raw_row`.

    Raises:
        RawDataError: no file has any of the key columns, or the header of one ends elsewhere than the mapping says.
    """
    tables = [table_of(file, reading) for file in files]
    if all(table.without_key for table in tables):
        titles = ", ".join(map(redacted_title, tables[0].titles[:6]))
        raise RawDataError(
            expected=f"a key column ({' or '.join(map(repr, reading.key_columns))}) in {files[0]}",
            received=f"the columns {titles} ...",
            remedy="export the survey with its respondent ids, or name its key under read.key_columns of the mapping "
            "(`key: row` in its place where the rows have none)",
        )
    with Staging(scratch / "tables", _SCHEMA).writing() as staging:
        for file, table in zip(files, tables, strict=True):
            for batch in _batches(file, reading, table):
                staging.write(file.parent.name, batch)
    return staged_rows(session, staging.folder)


@dataclass(frozen=True)
class Table:
    """What the header of one file says."""

    titles: tuple[str, ...]
    """As they stand in the file, without line breaks and blanks around."""
    names: tuple[str, ...]
    """The same, each once: a title that is repeated or empty has its place in its name."""
    header: frozenset[tuple[str, ...]]
    """The header rows, to be found again where files were joined."""
    header_rows: int
    key_at: int | None
    questions: tuple[bool, ...]
    unknown: tuple[str, ...]
    problem: str | None
    """Why no row of the file can be read."""

    def is_header(self, cells: list[str]) -> bool:
        """Whether a row is one of the header rows once more."""
        first = _comparable(cells[:1])[0]
        return any(row[0] == first for row in self.header) and _comparable(cells) in self.header

    @property
    def without_key(self) -> bool:
        """Whether a key column is expected and is not there."""
        return self.problem == "no_key_column"


def table_of(file: Path, reading: Reading) -> Table:
    """Read and judge the header of one file.

    Raises:
        RawDataError: the header ends elsewhere than the mapping says.
    """
    with open_text(file, reading.encoding) as text:
        found = records(bounded_lines(text), reading.separator)
        head = list(islice((one for one in found if any(cell.strip() for cell in one.cells or ())), _HEAD_RECORDS))
    titles = tuple(_title(cell) for cell in head[0].cells) if head else ()
    # a nameless key comes first; a nameless column elsewhere is a separator too many
    keys = (place for place, title in enumerate(titles) if title in reading.key_columns and (title or not place))
    key_at = next(keys, None)
    header_rows = _header_rows(file, [record.cells for record in head], reading, key_at)
    names = _unique_names(titles)
    known = {*(reading.columns or titles), *reading.ignore}
    questions = tuple(
        bool(reading.questions and place != key_at and title in known and re.fullmatch(reading.questions, title))
        for place, title in enumerate(titles)
    )
    if not reading.columns and reading.used is not None:
        used = {*reading.used, *reading.ignore}
        unused = [
            title
            for place, (title, name) in enumerate(zip(titles, names, strict=True))
            if not (place == key_at or questions[place] or {title, name} & used)
        ]
    else:
        unused = [title for title in titles if title not in known and title not in reading.key_columns]
    problem = None
    if any(as_read(title)[1] for title in titles):
        problem = "wrong_encoding"
    elif key_at is None and not reading.key:
        problem = "no_key_column"
    header = frozenset(_comparable(record.cells) for record in head[:header_rows])
    names = tuple(as_read(name)[0] for name in names)
    unknown = tuple(as_read(title)[0] for title in unused)
    return Table(titles, names, header, header_rows, key_at, questions, unknown, problem)


def _header_rows(file: Path, head: list[list[str]], reading: Reading, key_at: int | None) -> int:
    """How many rows the header has: up to the one with Qualtrics' import ids, else as the mapping says."""
    for place, cells in enumerate(head):
        if any(cell.startswith(_IMPORT_ID) for cell in cells):
            return place + 1
    for place, cells in enumerate(head[1 : reading.header_rows], start=1):
        if _holds_answers(cells, head[0], head[reading.header_rows :], key_at):
            raise RawDataError(
                expected=f"{reading.header_rows} header rows in {file}",
                received=f"answers in row {place + 1} already",
                remedy=f"write `header_rows: {place}` in the mapping, or export the file with all its header rows",
            )
    return reading.header_rows


def _holds_answers(cells: list[str], titles: list[str], rows: list[list[str]], key_at: int | None) -> bool:
    """Whether a row that should be a header row looks like one of a respondent.

    With a key column, a header row has there nothing, its title in other words, or words without a number. Without one,
    it has no number or date in any cell, and no cell that a row below has in the same column.
    """
    if key_at is not None:
        key = cells[key_at].strip() if key_at < len(cells) else ""
        same = {re.sub(r"[\W_]", "", text).casefold() for text in (key, titles[key_at])}
        return bool(key) and len(same) > 1 and (" " not in key or any(sign.isdigit() for sign in key))
    return any(
        re.match(r"[-+]?\d", cell.strip()) or any(cell == row[place] for row in rows if place < len(row))
        for place, cell in enumerate(cells)
        if cell.strip()
    )


def _batches(file: Path, reading: Reading, table: Table) -> Iterator[pa.RecordBatch]:
    rows = _Rows(as_read(file.name)[0], table)
    width, key_at = len(table.titles), table.key_at
    header_rows_left = table.header_rows
    with open_text(file, reading.encoding) as stream:
        for number, record in enumerate(records(bounded_lines(stream), reading.separator, width), start=1):
            text, problem = as_read(record.text)
            dropped = None
            cells = record.cells
            if cells is not None and not any(cell.strip() for cell in cells):
                dropped = BLANK_LINE
            elif cells is not None and (header_rows_left > 0 or table.is_header(cells)):
                dropped, header_rows_left = HEADER_ROW, header_rows_left - 1
            if dropped is None:
                cells = _fitting(cells, width)
                key = f"{file.name} {number}" if reading.key else "" if key_at is None or not cells else cells[key_at]
                malformed = None if cells is not None and key.strip() else "malformed"
                problem = problem or table.problem or malformed
            if dropped or problem:
                rows.add(number, text, problem=None if dropped else problem, dropped=dropped)
            else:
                rows.add(number, text, key=key, cells=cells)
            if rows.full:
                yield rows.batch()
                rows = _Rows(as_read(file.name)[0], table)
    if rows.numbers:
        yield rows.batch()


def _fitting(cells: list[str] | None, width: int) -> list[str] | None:
    """The cells of a row under the titles; None where it has too few, or more that are not empty."""
    if cells is None or len(cells) < width or any(cell.strip() for cell in cells[width:]):
        return None
    return cells[:width]


class _Rows:
    """Rows of one file on their way to a batch."""

    def __init__(self, file: str, table: Table) -> None:
        self.file, self.table = file, table
        self.numbers: list[int] = []
        self.texts: list[str] = []
        self.problems: list[str | None] = []
        self.dropped: list[str | None] = []
        self.keys: list[str | None] = []
        self.cells: list[str] = []
        """The cells of all rows that have some, one row after the other."""
        self.characters = 0

    @property
    def full(self) -> bool:
        return len(self.numbers) >= BATCH_ROWS or self.characters >= BATCH_CHARACTERS

    def add(
        self,
        number: int,
        text: str,
        *,
        problem: str | None = None,
        dropped: str | None = None,
        key: str | None = None,
        cells: Sequence[str] = (),
    ) -> None:
        self.numbers.append(number)
        self.texts.append(text)
        self.problems.append(problem)
        self.dropped.append(dropped)
        self.keys.append(key)
        self.cells.extend(cells)
        self.characters += len(text)

    def batch(self) -> pa.RecordBatch:
        rows, width = len(self.numbers), len(self.table.names)
        has_cells = np.array([key is not None for key in self.keys])
        cells = pa.array(self.cells, pa.string())
        # (row, column): which column each cell is of
        columns = np.tile(np.arange(width), int(has_cells.sum()))
        names = pa.array(self.table.names, pa.string())
        fields = pa.MapArray.from_arrays(
            pa.array(np.concatenate([[0], np.cumsum(has_cells * width)]), pa.int32()), names.take(columns), cells
        )
        answered = np.array([cell.strip() != "" for cell in self.cells], dtype=bool)
        answered &= np.array(self.table.questions, dtype=bool)[columns] if width else answered
        per_row = np.zeros(rows, dtype=np.int64)
        per_row[has_cells] = answered.reshape(-1, width).sum(axis=1) if width else 0
        kept = np.flatnonzero(answered)
        answers = pa.ListArray.from_arrays(
            pa.array(np.concatenate([[0], np.cumsum(per_row)]), pa.int32()),
            pa.StructArray.from_arrays([names.take(columns[kept]), cells.take(kept)], ["question", "answer"]),
        )
        unknown = [None if dropped else self.table.unknown for dropped in self.dropped]
        return pa.RecordBatch.from_arrays(
            [
                pa.array([self.file] * rows, pa.string()),
                pa.array(self.numbers, pa.int64()),
                pa.array(self.texts, pa.string()),
                pa.array(self.problems, pa.string()),
                pa.array(self.dropped, pa.string()),
                pa.array([names or () for names in unknown], pa.list_(pa.string())),
                pa.array(self.keys, pa.string()),
                fields,
                answers,
            ],
            schema=_SCHEMA,
        )


def _title(cell: str) -> str:
    return " ".join(cell.split())


def _comparable(cells: list[str]) -> tuple[str, ...]:
    """The cells of a header row; the first may have a mark of its own where files were joined."""
    return tuple(cell.lstrip("\ufeff").strip('"') for cell in cells)


def _unique_names(titles: Sequence[str]) -> list[str]:
    """Each title once, whatever its case; exports leave titles empty and repeat them."""
    names: list[str] = []
    taken: set[str] = set()
    for index, title in enumerate(titles):
        name = title or f"column_{index + 1}"
        if name.lower() in taken:
            name = f"{name} ({index + 1})"
        taken.add(name.lower())
        names.append(name)
    return names
