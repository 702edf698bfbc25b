"""A person's rows out of a raw delivery, and their names out of the rows of others.

A row is the person's if the mapping makes a row of theirs of it. Where another person's row names them (a mention in a
post, a device that two use), the row stays that person's, and the name in it becomes empty.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from privacy.file_formats import GZIP, format_of
from privacy.matcher import PersonMatcher
from spark_jobs.mapping.reading import Reading

_LOG_LINE = re.compile(r'\S+ \S+ \S+ \[[^\]]+\] "')
_FEWEST_LOG_FIELDS = 5

_TRAILER_BYTES = 8
"""Check sum and length at the end of a gzip file; without them it is a truncated one."""


@dataclass
class Rewritten:
    """A delivery's new bytes, and what was done."""

    content: bytes
    rows: int
    """Rows that were deleted."""
    names: int
    """Rows of others in which a name was made empty."""
    empty: bool
    """Whether no row is left at all."""
    deleted: set[str]
    """The deleted rows, as they were."""


def rewritten(content: bytes, reading: Reading, texts: set[str], keys: set[str], matcher: PersonMatcher) -> Rewritten:
    """A file without the rows `texts` (or those of the respondents `keys`) and without the names; packed as it was.

    A row that cannot be read, or whose file cannot, and that holds a name is deleted: nobody knows whose it is.
    """
    packed = format_of(content) == GZIP
    plain, whole = _inflated(content) if packed else (content, True)
    done = Rewritten(b"", 0, 0, False, set())
    kept = []
    pieces = _records(plain, reading, keys) if reading.format == "csv" else _lines(plain)
    for piece, text, is_of_key in pieces:
        if is_of_key or text in texts:
            done.rows += 1
            done.deleted.add(text)
        elif not matcher.is_in(text):
            kept.append(piece)
        elif not (whole and _READABLE.get(reading.format, _is_log_line)(text)):
            done.rows += 1
            done.deleted.add(text)
        else:
            done.names += 1
            decoded = piece.decode(errors="surrogateescape")
            kept.append(matcher.without_names(decoded).encode(errors="surrogateescape"))
    plain = b"".join(kept)
    done.empty = not plain.strip()
    done.content = gzip.compress(plain, mtime=0) if packed else plain
    if not whole:
        done.content = done.content[:-_TRAILER_BYTES]
    return done


def _lines(plain: bytes) -> Iterator[tuple[bytes, str, bool]]:
    """Each line, and its text as `spark_jobs/mapping/readers/lines.py` gives it."""
    for piece in plain.splitlines(keepends=True) if b"\r" not in plain else re.findall(rb"[^\n]*\n|[^\n]+", plain):
        line = piece.rstrip(b"\n")
        try:
            text = line.decode()
        except UnicodeDecodeError:
            text = line.decode("latin-1")
        yield piece, text.removeprefix("\ufeff").removesuffix("\r"), False


def _records(plain: bytes, reading: Reading, keys: set[str]) -> Iterator[tuple[bytes, str, bool]]:
    """Each record of separated values, and whether it is one of the respondents `keys`; titles are nobody's."""
    place = None
    for number, piece in enumerate(quoted_lines(plain)):
        text = piece.decode(errors="replace").removeprefix("\ufeff")
        row = next(csv.reader([text]), [])
        if number == 0:
            place = next((at for at, title in enumerate(row) if title in reading.key_columns), None)
        is_row = number >= reading.header_rows
        yield piece, text, is_row and place is not None and place < len(row) and row[place] in keys


def quoted_lines(plain: bytes) -> Iterator[bytes]:
    """Lines of separated values; those between which a quotation mark is open are one, and the last may stay open."""
    begun: list[bytes] = []
    marks = 0
    for line in plain.splitlines(keepends=True):
        begun.append(line)
        marks += line.count(b'"')
        if marks % 2 == 0:
            yield b"".join(begun)
            begun, marks = [], 0
    yield from begun


def _inflated(content: bytes) -> tuple[bytes, bool]:
    """What a gzip file holds as far as it can be read, and whether that is all of it."""
    try:
        return gzip.decompress(content), True
    except (OSError, EOFError, zlib.error):
        stream = zlib.decompressobj(31)
        try:
            return stream.decompress(content), False
        except zlib.error:
            return b"", False


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _is_log_line(text: str) -> bool:
    return len(text.split()) >= _FEWEST_LOG_FIELDS


_READABLE: dict[str, Callable[[str], bool]] = {
    "json_lines": _is_json,
    "apache_combined": lambda text: bool(_LOG_LINE.match(text)),
    "nginx_json": _is_json,
    "delimited": lambda _: True,
    "csv": lambda text: text.count('"') % 2 == 0,
}
"""Format -> whether a row is whole enough to be a person's."""
