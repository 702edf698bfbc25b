"""JSON lines: one object a line, read by the mapping's schema; fields that are not in it are counted by their names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import StructType

from spark_jobs.literals import NO_STRINGS
from spark_jobs.mapping.readers.lines import read_lines
from spark_jobs.mapping.reading import Reading


def read(session: SparkSession, reading: Reading, files: Sequence[Path]) -> DataFrame:
    """The top-level fields of `reading.schema`."""
    schema = StructType.fromDDL(reading.schema)
    parsed = F.from_json(
        "raw_text", f"{reading.schema}, raw_corrupt STRING", {"columnNameOfCorruptRecord": "raw_corrupt"}
    )
    known = {*_object_paths(schema), *reading.ignore}
    unknown = F.concat(
        *(
            _unknown_names(parent, [path for path in known if path.rpartition(".")[0] == parent])
            for parent in ("", *_object_names(schema))
        )
    )
    return (
        read_lines(session, files)
        .withColumn("parsed", parsed)
        .select(
            "raw_ds",
            "raw_file",
            "raw_text",
            F.coalesce(
                "encoding_problem",
                F.when(F.col("parsed").isNull() | F.col("parsed.raw_corrupt").isNotNull(), F.lit("malformed")),
            ).alias("raw_problem"),
            unknown.alias("raw_unknown"),
            *(F.col(f"parsed.`{field.name}`") for field in schema.fields),
        )
    )


def _object_paths(schema: StructType, parent: str = "") -> list[str]:
    """Dotted paths of all fields, down to nested objects."""
    paths = []
    for field in schema.fields:
        paths.append(parent + field.name)
        if isinstance(field.dataType, StructType):
            paths += _object_paths(field.dataType, f"{parent}{field.name}.")
    return paths


def _object_names(schema: StructType) -> list[str]:
    paths = _object_paths(schema)
    return [path for path in paths if any(other.startswith(f"{path}.") for other in paths)]


def _unknown_names(parent: str, known: list[str]) -> Column:
    """Names of the fields of one JSON object that are not known, with their path."""
    text = F.get_json_object("raw_text", f"$.{parent}") if parent else F.col("raw_text")
    path = f"{parent}." if parent else ""
    found = F.transform(F.json_object_keys(text), lambda name: F.concat(F.lit(path), name))
    return F.coalesce(F.array_except(found, F.array(*map(F.lit, known))), F.expr(NO_STRINGS))
