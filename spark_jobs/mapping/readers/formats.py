"""The raw rows of a source, by the reader of its format.

Every reader gives one row a raw row: the fields as columns, and beside them

| column | holds |
|---|---|
| `raw_ds` | day of delivery, a date |
| `raw_file` | the file, below the day's folder |
| `raw_text` | the row as it came |
| `raw_problem` | why it cannot be read (`wrong_encoding`, `malformed`), else null |
| `raw_unknown` | names of fields that the mapping does not know |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.mapping.deliveries import Delivery
from spark_jobs.mapping.readers import csv_tables, json_lines, separated, web_logs
from spark_jobs.mapping.reading import Reading


@dataclass(frozen=True)
class Format:
    """How the files of one format are read."""

    read: Callable[[SparkSession, Reading, Sequence[Path]], DataFrame]
    words: tuple[str, ...] = ()
    """Words of the format itself, which name nobody."""


FORMATS = {
    "json_lines": Format(json_lines.read, ("true", "false", "null")),
    "apache_combined": Format(web_logs.read, ("GET", "POST", "HEAD", "HTTP")),
    "delimited": Format(separated.read),
    "csv": Format(csv_tables.read),
}
"""Format as `read.format` names it (`reading.FORMATS`) -> its reader."""


def read_raw(session: SparkSession, reading: Reading, deliveries: Iterable[Delivery]) -> DataFrame | None:
    """The raw rows of all readable files, or None where there are none."""
    files = [file for delivery in deliveries for file in delivery.files]
    return FORMATS[reading.format].read(session, reading, files) if files else None
