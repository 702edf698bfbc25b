"""The raw rows of a source, by the reader of its format.

Every reader gives one row a raw row: the fields as columns, and beside them

| column | holds |
|---|---|
| `raw_ds` | day of delivery, a date |
| `raw_file` | the file, below the day's folder |
| `raw_row` | the number of the row in its file, from 1; null where the format does not know it |
| `raw_text` | the row as it came |
| `raw_problem` | why it cannot be read (`wrong_encoding`, `malformed`, ...), else null |
| `raw_dropped` | why it is no row of the source (`header_row`, `blank_line`, `directive`), else null |
| `raw_unknown` | names of fields that the mapping does not know |
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from contracts.lake import Lake
from spark_jobs.mapping.deliveries import Delivery
from spark_jobs.mapping.readers import (
    csv_tables,
    directive_logs,
    json_documents,
    json_lines,
    json_logs,
    parquet_tables,
    separated,
    web_logs,
)
from spark_jobs.mapping.readers.packed import UNPACKED, unpacked
from spark_jobs.mapping.reading import Reading


@dataclass(frozen=True)
class Format:
    """How the files of one format are read."""

    read: Callable[[SparkSession, Reading, Sequence[Path], Path], DataFrame]
    by_line: bool
    """Whether Spark itself reads the files; else one pass over each cuts it into rows."""
    words: tuple[str, ...] = ()
    """Words of the format itself, which name nobody."""


_HTTP = ("GET", "POST", "HEAD", "HTTP")
_JSON = ("true", "false", "null")

FORMATS = {
    "json_lines": Format(json_lines.read, True, _JSON),
    "json": Format(json_documents.read, False, _JSON),
    "csv": Format(csv_tables.read, False),
    "delimited": Format(separated.read, True),
    "parquet": Format(parquet_tables.read, False, _JSON),
    "apache_combined": Format(web_logs.read, True, _HTTP),
    "apache_common": Format(web_logs.read, True, _HTTP),
    "apache_vhost_combined": Format(web_logs.read, True, _HTTP),
    "nginx": Format(web_logs.read, True, _HTTP),
    "nginx_json": Format(json_logs.read, True, (*_HTTP, *_JSON)),
    "w3c": Format(directive_logs.read, False, _HTTP),
    "cloudfront": Format(directive_logs.read, False, _HTTP),
    "alb": Format(web_logs.read, True, _HTTP),
    "log_pattern": Format(web_logs.read, True, _HTTP),
}
"""Format as `read.format` names it (`reading.FORMATS`) -> its reader."""


@contextlib.contextmanager
def raw_scratch(lake: Lake, name: str) -> Iterator[Path]:
    """A folder for unpacked and staged rows, for its owner alone; it is removed in the end.

    Args:
        name: what reads, so that it is alone in its folder; the folder that a killed run left is taken over.
    """
    folder = lake.staging(f"raw-{name}")
    folder.chmod(0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def read_raw(
    session: SparkSession, reading: Reading, deliveries: Iterable[Delivery], scratch: Path
) -> DataFrame | None:
    """The raw rows of all readable files, or None where there are none.

    Args:
        scratch: a folder of `raw_scratch`, which has to be there while the rows are used.
    """
    deliveries = list(deliveries)
    files = [file for delivery in deliveries for file in delivery.files]
    if not files:
        return None
    of_format = FORMATS[reading.format]
    if of_format.by_line:
        to_unpack = {file for delivery in deliveries for file in delivery.to_unpack}
        plain = scratch / UNPACKED
        files = [unpacked(file, reading.encoding, plain) if file in to_unpack else file for file in files]
    rows = of_format.read(session, reading, files, scratch)
    for name, kind in (("raw_row", "bigint"), ("raw_dropped", "string")):
        if name not in rows.columns:
            rows = rows.withColumn(name, F.lit(None).cast(kind))
    return rows.withColumn("raw_problem", F.when(F.col("raw_dropped").isNull(), F.col("raw_problem")))
