"""Logs whose lines are named by `#Fields:` above them: W3C extended logs (IIS), and CloudFront's.

What a value is depends on the last such line, which may stand anywhere in a file: a server that was restarted writes
another one. So a file is read from its start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from spark_jobs.mapping.readers.lines import BLANK_LINE
from spark_jobs.mapping.readers.packed import as_read, open_text
from spark_jobs.mapping.readers.records import LONGEST_LINE, bounded_lines
from spark_jobs.mapping.readers.staged import BATCH_CHARACTERS, BATCH_ROWS, ROW_FIELDS, Staging, staged_rows
from spark_jobs.mapping.readers.web_logs import with_requests
from spark_jobs.mapping.reading import Reading

DIRECTIVE = "directive"
"""The rule by which a line is dropped that speaks of the others."""

_NAMES = {
    "host": ("c-ip",),
    "user": ("cs-username",),
    "method": ("cs-method",),
    "status": ("sc-status",),
    "referer": ("cs(Referer)",),
    "agent": ("cs(User-Agent)",),
    "cookies": ("cs(Cookie)",),
    "forwarded": ("x-forwarded-for", "cs(X-Forwarded-For)"),
    "vhost": ("x-host-header", "cs-host", "cs(Host)"),
}
"""Field -> its names in the log, the first that is there holds."""

_VALUE = re.compile(r'"((?:[^"]|"")*)"|(\S+)')
_SCHEMA = pa.schema([*ROW_FIELDS, pa.field("raw_fields", pa.map_(pa.string(), pa.string()))])


def read(session: SparkSession, reading: Reading, files: Sequence[Path], scratch: Path) -> DataFrame:
    """The fields of `web_logs.FIELDS`, `raw_fields` with all by their names in the log, and `raw_row`."""
    with Staging(scratch / "logs", _SCHEMA).writing() as staging:
        for file in files:
            for batch in _batches(file):
                staging.write(file.parent.name, batch)
    rows = staged_rows(session, staging.folder)
    decoded = _url_decoded if reading.format == "cloudfront" else _blanks_decoded
    values = {field: F.coalesce(*(_value(name) for name in names)) for field, names in _NAMES.items()}
    values |= {field: decoded(values[field]) for field in ("agent", "referer", "cookies")}
    query = F.concat(F.lit("?"), _value("cs-uri-query"))
    values["target"] = F.concat(F.coalesce(_value("cs-uri-stem"), F.lit("")), F.coalesce(query, F.lit("")))
    values["time"] = F.concat_ws(" ", F.col("raw_fields")["date"], F.col("raw_fields")["time"])
    rows = rows.withColumnRenamed("raw_problem", "encoding_problem")
    return with_requests(rows, values, "", False, F.lit(True))


def _batches(file: Path) -> Iterator[pa.RecordBatch]:
    rows = _Rows(file)
    names: list[str] | None = None
    date = ""
    with open_text(file, "utf-8") as stream:
        for number, line in enumerate(bounded_lines(stream), start=1):
            text, problem = as_read(line.rstrip("\r\n"))
            dropped, values = None, {}
            if not text.strip():
                dropped = BLANK_LINE
            elif text.startswith("#"):
                dropped = DIRECTIVE
                name, _, rest = text[1:].partition(":")
                if name.strip().lower() == "fields":
                    names = rest.split()
                elif name.strip().lower() == "date":
                    date = rest.split()[0] if rest.split() else date
            elif problem is None:
                cells = _cells(text) if len(text) <= LONGEST_LINE else []
                if names is None or len(cells) != len(names):
                    problem = "malformed"
                else:
                    values = {"date": date} | dict(zip(names, cells, strict=True))
            rows.add(number, text, None if dropped else problem, dropped, values)
            if rows.full:
                yield rows.batch()
                rows = _Rows(file)
    if rows.columns[0]:
        yield rows.batch()


class _Rows:
    """Rows of one file on their way to a batch."""

    def __init__(self, file: Path) -> None:
        self.file = as_read(file.name)[0]
        self.columns: tuple[list, ...] = ([], [], [], [], [])
        self.characters = 0

    @property
    def full(self) -> bool:
        return len(self.columns[0]) >= BATCH_ROWS or self.characters >= BATCH_CHARACTERS

    def add(self, number: int, text: str, problem: str | None, dropped: str | None, values: dict[str, str]) -> None:
        for column, value in zip(self.columns, (number, text, problem, dropped, list(values.items())), strict=True):
            column.append(value)
        self.characters += len(text)

    def batch(self) -> pa.RecordBatch:
        columns = ([self.file] * len(self.columns[0]), *self.columns)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)


def _cells(text: str) -> list[str]:
    if "\t" in text:
        return text.split("\t")
    if '"' not in text:
        return text.split()
    return [found[2] if found[2] is not None else found[1].replace('""', '"') for found in _VALUE.finditer(text)]


def _value(name: str) -> Column:
    value = F.col("raw_fields")[name]
    return F.when(value.isin("-", ""), None).otherwise(value)


def _blanks_decoded(value: Column) -> Column:
    """IIS writes a blank as a plus sign."""
    return F.replace(value, F.lit("+"), F.lit(" "))


def _url_decoded(value: Column) -> Column:
    """CloudFront encodes what browsers sent, and once more what was encoded already."""

    def decoded(text: Column) -> Column:
        return F.coalesce(F.try_url_decode(F.replace(text, F.lit("+"), F.lit("%2B"))), text)

    once = decoded(value)
    return F.when(F.contains(once, F.lit("%20")), decoded(once)).otherwise(once)
