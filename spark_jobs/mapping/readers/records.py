"""The records of separated values in a text: a quoted field may hold separators and line breaks."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple, TextIO

LONGEST_RECORD = 1 << 20
"""Characters of a record of several lines; in a longer one a quotation mark was never closed."""

LONGEST_LINE = 1 << 24
"""Characters of a line; of a longer one only these are kept, and it is no record."""


def bounded_lines(stream: TextIO) -> Iterator[str]:
    """The lines of a stream, with no more than `LONGEST_LINE` characters and a line end of any of them in memory."""
    while line := stream.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE and line[-1] not in "\r\n":
            rest = line
            while rest and rest[-1] not in "\r\n":
                rest = stream.readline(LONGEST_LINE)
        yield line


class Record(NamedTuple):
    """One record."""

    cells: list[str] | None
    """None where a quotation mark in its first line is never closed: the lines behind it are records again."""
    text: str
    """As it stands in the file, without its line end."""
    end: str
    """Its line end; empty where the file ends without one."""


def records(lines: Iterable[str], separator: str, width: int | None = None) -> Iterator[Record]:
    """The records of lines that keep their ends. Blank lines are records without cells.

    Args:
        width: cells of a record. One of several lines that has others is a line in which a quotation mark was not
            closed: it is a record by itself, and so are the lines behind it. The same where a quoted cell goes on
            behind its closing mark, which may be the opening one of the next line.
    """
    source = _Lines(iter(lines))
    csv.field_size_limit(LONGEST_LINE)  # of the whole process; nothing else here reads CSV by it
    reading = partial(csv.reader, source, delimiter=separator, strict=True)
    reader = reading()
    while True:
        source.pulled.clear()
        try:
            cells = next(reader)
            if width is not None and len(source.pulled) > 1 and len(cells) != width:
                raise _Unclosed
        except StopIteration:
            return
        except (_Unclosed, csv.Error):
            first = source.pulled.pop(0)
            source.waiting.extendleft(reversed(source.pulled))
            reader = reading()
            yield _record(None, first)
            continue
        yield _record(cells, "".join(source.pulled))


def _record(cells: list[str] | None, text: str) -> Record:
    plain = text.rstrip("\r\n") if cells is None or not cells else text.removesuffix("\n").removesuffix("\r")
    return Record(cells, plain, text[len(plain) :])


class _Unclosed(Exception):  # noqa: N818  never leaves this file
    """A quotation mark is not closed within the longest record, or at all; or a line is too long."""


class _Lines:
    """Lines for `csv.reader`, which pulls as many as a record has; they can be given back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.waiting: deque[str] = deque()
        self.pulled: list[str] = []
        self._characters = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if not self.pulled:
            self._characters = 0
        if self._characters > LONGEST_RECORD:
            raise _Unclosed
        line = self.waiting.popleft() if self.waiting else next(self._lines, None)
        if line is None:
            if self.pulled:
                raise _Unclosed
            raise StopIteration
        self.pulled.append(line)
        self._characters += len(line)
        if len(line) > LONGEST_LINE:
            raise _Unclosed
        return line
