"""Lines of fields between separators, without quotes and without a header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from spark_jobs.literals import NO_STRINGS
from spark_jobs.mapping.readers.lines import read_lines
from spark_jobs.mapping.reading import Reading


def read(session: SparkSession, reading: Reading, files: Sequence[Path], _: Path) -> DataFrame:
    """The fields of `reading.columns`, as text."""
    parts = F.split("raw_text", re.escape(reading.separator))
    return read_lines(session, files).select(
        *("raw_ds", "raw_file", "raw_text", "raw_dropped"),
        F.coalesce("encoding_problem", F.when(F.size(parts) != len(reading.columns), F.lit("malformed"))).alias(
            "raw_problem"
        ),
        F.expr(NO_STRINGS).alias("raw_unknown"),
        *(F.get(parts, F.lit(index)).alias(name) for index, name in enumerate(reading.columns)),
    )
