"""A person's rows out of a raw delivery, and their names out of the rows of others.

A row is the person's if the mapping makes a row of theirs of it. Where another person's row names them (a mention in a
post, a device that two use), the row stays that person's, and the name in it becomes empty.
"""

from __future__ import annotations

import codecs
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from contracts.errors import RawDataError
from privacy.file_formats import GZIP, format_of
from privacy.matcher import PersonMatcher
from spark_jobs.mapping.readers.json_documents import records as json_records
from spark_jobs.mapping.readers.packed import as_read
from spark_jobs.mapping.readers.records import bounded_lines
from spark_jobs.mapping.readers.records import records as csv_records
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
    _require_rows(content, plain, reading)
    done = Rewritten(b"", 0, 0, False, set())
    kept = []
    for piece, text, is_of_key in _PIECES.get(reading.format, text_lines)(plain, reading, keys):
        if is_of_key or text in texts:
            done.rows += 1
            done.deleted.add(text)
            kept.append(_DELETED)
        elif text is None or not matcher.is_in(text):
            kept.append(piece)
        elif not (whole and _READABLE.get(reading.format, _is_log_line)(text)):
            done.rows += 1
            done.deleted.add(text)
            kept.append(_DELETED)
        else:
            done.names += 1
            decoded = piece.decode(errors="surrogateescape")
            kept.append(matcher.without_names(decoded).encode(errors="surrogateescape"))
    if reading.format == "json":
        kept = _without_commas(kept)
    # the number of a row is its key: a blank line stands for one that is gone
    plain = b"".join(b"\n" if piece is _DELETED and reading.key else piece or b"" for piece in kept)
    done.empty = not plain.strip()
    done.content = gzip.compress(plain, mtime=0) if packed else plain
    if not whole:
        done.content = done.content[:-_TRAILER_BYTES]
    return done


def _require_rows(content: bytes, plain: bytes, reading: Reading) -> None:
    """Refuse a file out of which single rows cannot be taken.

    Raises:
        RawDataError: it is Parquet, packed otherwise than by gzip, or UTF-16.
    """
    odd = reading.format == "parquet" or content.startswith((b"BZh", b"\x28\xb5\x2f\xfd"))
    if odd or plain.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or reading.encoding.startswith("utf-16"):
        raise RawDataError(
            expected=f"a delivery out of which single rows can be taken ({reading.files})",
            received="one that is Parquet, packed by bzip2 or zstd, or UTF-16, and names the person",
            remedy="deliver it again without the person's rows, or delete it, and give the same command again",
        )


def text_lines(plain: bytes, _: Reading, __: set[str]) -> Iterator[tuple[bytes, str, bool]]:
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
    lines = io.StringIO(plain.decode(reading.encoding, errors="surrogateescape"), newline="")
    for number, record in enumerate(csv_records(bounded_lines(lines), reading.separator)):
        piece = (record.text + record.end).encode(reading.encoding, errors="surrogateescape")
        row = record.cells or []
        if number == 0:
            titles = [" ".join(title.removeprefix("\ufeff").split()) for title in row]
            place = next((at for at, title in enumerate(titles) if title in reading.key_columns), None)
        is_row = number >= reading.header_rows
        is_theirs = is_row and place is not None and place < len(row) and row[place] in keys
        yield piece, as_read(record.text)[0].removeprefix("\ufeff"), is_theirs


def _elements(plain: bytes, reading: Reading, _: set[str]) -> Iterator[tuple[bytes, str | None, bool]]:
    """The records of a JSON document, and, without a text, what stands between them."""
    document = plain.decode(errors="surrogateescape")
    path = tuple(reading.records.split(".")) if reading.records else ()
    at = 0
    for record in json_records(io.StringIO(document), path):
        yield document[at : record.start].encode(errors="surrogateescape"), None, False
        text = document[record.start : record.end]
        yield text.encode(errors="surrogateescape"), as_read(text)[0], False
        at = record.end
    yield document[at:].encode(errors="surrogateescape"), None, False


def _without_commas(pieces: list[bytes | None]) -> list[bytes | None]:
    """The pieces of a JSON document without the comma of each record that is gone."""
    kept: list[bytes | None] = []
    gone = False
    for piece in pieces:
        if piece is _DELETED:
            gone = True
        elif gone:
            gone = False
            before, after = kept.pop() or b"", piece
            if after.lstrip().startswith(b","):
                after = after.lstrip()[1:].lstrip()
            elif before.rstrip().endswith(b","):
                before = before.rstrip()[:-1]
            kept.append(before + after)
        else:
            kept.append(piece)
    return kept


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


_DELETED = None
"""Stands in the place of a row that is gone."""

_PIECES = {"csv": _records, "json": _elements}
"""Format -> how its rows are told apart; those of the others are lines."""


def _is_log_line(text: str) -> bool:
    return len(text.split()) >= _FEWEST_LOG_FIELDS


_READABLE: dict[str, Callable[[str], bool]] = {
    "json_lines": _is_json,
    "apache_combined": lambda text: bool(_LOG_LINE.match(text)),
    "nginx_json": _is_json,
    "json": _is_json,
    "log_pattern": lambda _: True,
    "delimited": lambda _: True,
    "csv": lambda text: text.count('"') % 2 == 0,
}
"""Format -> whether a row is whole enough to be a person's."""
