"""Web server logs: Apache combined, with an optional eleventh field for cookies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from spark_jobs.literals import NO_STRINGS
from spark_jobs.mapping.readers.lines import read_lines
from spark_jobs.mapping.reading import Reading

_COLUMNS = [
    "host",
    "ident",
    "user",
    "time_text",
    "zone",
    "request",
    "status_text",
    "bytes_text",
    "referer",
    "agent",
    "cookies",
]
_TIME = "dd/MMM/yyyy:HH:mm:ss Z"


def read(session: SparkSession, _: Reading, files: Sequence[Path]) -> DataFrame:
    """`host`, `user`, `logged_at`, `method`, `target`, `status`, `referer`, `agent`, `cookies`; `-` is null.

    Lines are parsed as separated values, which is faster than a pattern a field.
    """
    schema = ", ".join(f"{name} STRING" for name in _COLUMNS)
    options = {"sep": " ", "quote": '"', "escape": "\\", "mode": "PERMISSIVE"}
    fields = (
        read_lines(session, files)
        .withColumn("parsed", F.from_csv("raw_text", schema, options))
        .select(
            "raw_ds",
            "raw_file",
            "raw_text",
            "encoding_problem",
            *(F.nullif(F.col(f"parsed.{name}"), F.lit("-")).alias(name) for name in _COLUMNS),
        )
    )
    occurred_at = F.try_to_timestamp(F.expr("substr(time_text, 2) || ' ' || rtrim(']', zone)"), F.lit(_TIME))
    return fields.select(
        "raw_ds",
        "raw_file",
        "raw_text",
        F.coalesce(
            "encoding_problem",
            F.when(
                occurred_at.isNull() | ~F.coalesce(F.col("status_text").rlike(r"^\d{3}$"), F.lit(False)),
                F.lit("malformed"),
            ),
        ).alias("raw_problem"),
        F.expr(NO_STRINGS).alias("raw_unknown"),
        "host",
        "user",
        occurred_at.alias("logged_at"),
        F.regexp_extract(F.coalesce("request", F.lit("")), r"^(\S+)", 1).alias("method"),
        F.regexp_extract(F.coalesce("request", F.lit("")), r"^\S+ (\S+)", 1).alias("target"),
        F.expr("try_cast(status_text AS INT)").alias("status"),
        "referer",
        "agent",
        "cookies",
    )
