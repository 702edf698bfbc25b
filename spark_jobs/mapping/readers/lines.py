"""Text files line by line, and what every row says of where it came from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from spark_jobs.mapping.readers.packed import PLAIN, UNPACKED, packing_of
from spark_jobs.session import shuffle_partitions

BLANK_LINE = "blank_line"
"""The rule by which a line of nothing but blanks is dropped."""

LONGEST_LINE = 1 << 16
"""Characters of a line that a pattern is tried on; a longer one is malformed."""

_DAY_IN_PATH = r"/ds=(\d{4}-\d{2}-\d{2})/"


def read_lines(session: SparkSession, files: Sequence[Path]) -> DataFrame:
    """`raw_ds`, `raw_file`, `raw_text`, `encoding_problem`, `raw_dropped`: a row a line.

    A line that is not UTF-8 is shown as Latin-1, so that no byte is lost, and has `wrong_encoding` as its problem.
    """
    paths = [literal_path(file) for file in files]
    text = session.read.option("recursiveFileLookup", "true").option("lineSep", "\n").text(paths)
    valid = F.is_valid_utf8("value")
    line = F.when(valid, F.col("value")).otherwise(F.decode(F.col("value").cast("binary"), "ISO-8859-1"))
    lines = text.select(
        *origin(F.col("_metadata.file_path")),
        F.regexp_replace(line, "^\ufeff|\r$", "").alias("raw_text"),
        F.when(~valid, F.lit("wrong_encoding")).alias("encoding_problem"),
    )
    blank = F.when(F.btrim("raw_text", F.lit(" \t\f")) == "", F.lit(BLANK_LINE))
    rows = lines.select("*", blank.alias("raw_dropped"))
    # a packed file is one task until here; of a plain one, each task reads a part
    return rows.repartition(shuffle_partitions(session)) if any(map(packing_of, files)) else rows


def literal_path(file: Path) -> str:
    """A path in which Spark reads no pattern: a delivery may be named with braces or stars."""
    return re.sub(r"([\\{}\[\]*?])", r"\\\1", str(file))


def origin(path: Column) -> tuple[Column, Column]:
    """`raw_ds` and `raw_file` of the path of a file, which Spark writes as an address; of one unpacked, the first's."""
    day = F.regexp_extract(path, _DAY_IN_PATH, 1).cast("date").alias("raw_ds")
    name = F.regexp_replace(path, f".*{_DAY_IN_PATH}", "")
    decoded = F.url_decode(F.replace(name, F.lit("+"), F.lit("%2B")))
    name = F.when(F.contains(name, F.lit("%")), decoded).otherwise(name)
    unpacked = F.contains(path, F.lit(f"/{UNPACKED}/ds="))
    return day, F.when(unpacked, F.regexp_replace(name, f"{re.escape(PLAIN)}$", "")).otherwise(name).alias("raw_file")
