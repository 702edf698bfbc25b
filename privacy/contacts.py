"""A person in the raw source `contacts`, of which no mapping knows: their rows, and what stands in them."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Collection, Iterator
from pathlib import Path

from contracts.errors import RawDataError
from contracts.identifiers import load_cleaning
from contracts.keys import pseudonym_keys
from contracts.raw import CONTACTS, landed_days
from contracts.settings import Settings
from lake_tables.contacts import COLUMNS, files_of, load_contacts, separator_of, without_spilling
from privacy.file_formats import GZIP, format_of
from privacy.raw_files import text_lines
from spark_jobs.mapping.reading import Reading

READING = Reading("delimited", "*")
"""Rows of addresses are erased line by line, whatever stands between their values."""

Addresses = tuple[str | None, ...]
"""What stands in a row, in the order of `COLUMNS`."""


def contact_values(settings: Settings) -> dict[str, str]:
    """Every account, mail address and phone number of every delivery -> its kind."""
    return {
        value.strip().lower(): kind
        for _, file in _files(settings)
        for row in _rows(settings, file, None)
        for kind, value in zip(COLUMNS, row, strict=True)
        if value
    }


def contact_rows(
    settings: Settings, identifiers: Collection[str]
) -> Iterator[tuple[str, Path, set[Addresses], set[str]]]:
    """Day and file of rows of a person, what stands in them, and their lines.

    A row is the person's whose account is theirs; one without an account, whose mail address is.

    Args:
        identifiers: the person's, under all keys of the settings.
    """
    for ds, file in _files(settings):
        rows = set(_rows(settings, file, identifiers))
        if rows:
            yield ds, file, rows, {line for line, row in _lines(file) if row in rows}


def _files(settings: Settings) -> Iterator[tuple[str, Path]]:
    for ds in landed_days(settings.raw, CONTACTS):
        for file in files_of(settings.raw, ds):
            yield ds, file


def _rows(settings: Settings, file: Path, identifiers: Collection[str] | None) -> list[Addresses]:
    """What stands in the rows of some identifiers, or in all; a file that nobody can read has none."""
    with without_spilling() as connection:
        try:
            load_contacts(connection, [file], pseudonym_keys(settings), load_cleaning(settings))
        except RawDataError:
            return []
        query = f"select {', '.join(COLUMNS)} from contacts"
        if identifiers is None:
            return connection.execute(query).fetchall()
        query += " where list_contains($1, account_id) or (account_id is null and list_contains($1, email_id))"
        return connection.execute(query, [sorted(identifiers)]).fetchall()


def _lines(file: Path) -> Iterator[tuple[str, Addresses]]:
    """Each line as the eraser of raw rows knows it, and what stands in it."""
    content = file.read_bytes()
    plain = gzip.decompress(content) if format_of(content) == GZIP else content
    lines = [text for _, text, _ in text_lines(plain, READING, set())]
    if ".jsonl" in file.suffixes:
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict):
                yield line, tuple(None if row.get(name) is None else str(row[name]) for name in COLUMNS)
        return
    separator = separator_of(lines[0]) if lines else ","
    names = [name.strip().lower() for name in next(csv.reader(lines[:1], delimiter=separator), [])]
    for line in lines[1:]:
        row = dict(zip(names, next(csv.reader([line], delimiter=separator), []), strict=False))
        yield line, tuple(row.get(name) or None for name in COLUMNS)
