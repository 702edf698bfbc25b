"""JSON lines: one object a line, read by the mapping's schema; fields that are not in it are counted by their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import StructType

from spark_jobs.literals import NO_STRINGS, sql_literal
from spark_jobs.mapping.readers.lines import read_lines
from spark_jobs.mapping.reading import Reading

_SEVERAL_VALUES = r"\}\s*+\{"
"""Stands between two objects of a line; within one object it can only stand in a text."""

_VALUES = "raw_values"
"""The name under which a row's text is put before it is parsed: see `with_fields`."""


def read(session: SparkSession, reading: Reading, files: Sequence[Path], _: Path) -> DataFrame:
    """The top-level fields of `reading.schema`. A line of several objects is several rows."""
    several = F.when(F.col("raw_text").rlike(_SEVERAL_VALUES), F.expr(_split_sql("raw_text")))
    rows = read_lines(session, files).withColumn("raw_text", F.explode(F.coalesce(several, F.array("raw_text"))))
    return with_fields(rows, reading, "encoding_problem")


def with_fields(rows: DataFrame, reading: Reading, problem: str) -> DataFrame:
    """Rows of JSON texts with their fields.

    Spark ignores what stands behind the first value of a text. So a text is parsed as the one element of an array that
    has to end: whatever stands behind the value makes the whole malformed.

    Args:
        problem: the column that says why a text cannot be read.
    """
    schema = StructType.fromDDL(reading.schema)
    parsed = F.from_json(
        as_only_value(F.col("raw_text")),
        f"{_VALUES} ARRAY<STRUCT<{reading.schema}>>, raw_end BOOLEAN, raw_corrupt STRING",
        {"columnNameOfCorruptRecord": "raw_corrupt"},
    )
    row = F.col(f"parsed.{_VALUES}")
    malformed = (
        (F.coalesce(F.size(row), F.lit(0)) != 1)
        | F.get(row, F.lit(0)).isNull()
        | F.col("parsed.raw_end").isNull()
        | F.col("parsed.raw_corrupt").isNotNull()
        | F.contains("raw_text", F.lit(f'"{_VALUES}"'))
    )
    kept = [name for name in ("raw_row", "raw_dropped") if name in rows.columns]
    return rows.withColumn("parsed", parsed).select(
        "raw_ds",
        "raw_file",
        "raw_text",
        *kept,
        F.coalesce(F.col(problem), F.when(F.coalesce(malformed, F.lit(True)), F.lit("malformed"))).alias("raw_problem"),
        unknown_names(schema, reading.ignore).alias("raw_unknown"),
        *(F.get(row, F.lit(0))[field.name].alias(field.name) for field in schema.fields),
    )


def as_only_value(text: Column) -> Column:
    """A text as the one element of the array `raw_values` of an object that ends with `raw_end`: see `with_fields`."""
    return F.concat(F.lit(f'{{"{_VALUES}":['), text, F.lit('],"raw_end":true}'))


def unknown_names(schema: StructType, ignore: Sequence[str]) -> Column:
    """Names of the fields of `raw_text`, and of its objects that the schema opens, that are in neither list.

    Args:
        ignore: dotted paths; a `*` stands for any signs.
    """
    patterns = [path for path in ignore if "*" in path]
    known = {*_object_paths(schema), *(path for path in ignore if path not in patterns)}
    found = F.concat(
        *(
            _unknown_of(parent, [path for path in known if path.rpartition(".")[0] == parent])
            for parent in ("", *_object_names(schema))
            if parent + ".*" not in patterns
        )
    )
    if patterns:
        any_of = "|".join(re.escape(path).replace(r"\*", ".*") for path in patterns)
        found = F.filter(found, lambda name: ~name.rlike(f"^(?:{any_of})$"))
    return F.coalesce(found, F.expr(NO_STRINGS))


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


def _unknown_of(parent: str, known: list[str]) -> Column:
    """Names of the fields of one JSON object that are not known, with their path."""
    text = F.get_json_object("raw_text", f"$.{parent}") if parent else F.col("raw_text")
    path = f"{parent}." if parent else ""
    found = F.transform(F.json_object_keys(text), lambda name: F.concat(F.lit(path), name))
    return F.coalesce(F.array_except(found, F.array(*map(F.lit, known))), F.expr(NO_STRINGS))


def _split_sql(text: str) -> str:
    """SQL for the objects of a text that holds several; null unless each is JSON.

    The texts in it are left out while it is split: a brace in them ends nothing.
    """
    runs = f"regexp_extract_all({text}, {sql_literal(_STRING_OR_NOT)}, 0)"
    between, split_at = sql_literal(r"\}\s*+\{"), sql_literal("}\u0001{")
    marked = f"transform({runs}, run -> if(startswith(run, '\"'), run, regexp_replace(run, {between}, {split_at})))"
    values = f"split(array_join({marked}, ''), '\\u0001')"
    each_is_json = f"forall({values}, value -> coalesce(json_array_length('[' || value || ']') = 1, false))"
    return f"if(instr({text}, '\\u0001') = 0 and {each_is_json}, {values}, null)"


_STRING_OR_NOT = r'"(?:[^"\\]++|\\.)*+"?|[^"]++'
