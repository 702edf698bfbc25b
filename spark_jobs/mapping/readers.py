"""Raw formats to DataFrames.

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

import csv
import gzip
import itertools
import re
from collections.abc import Iterable, Sequence
from functools import reduce
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import ArrayType, StringType, StructType

from contracts.errors import RawDataError
from spark_jobs.mapping.deliveries import Delivery
from spark_jobs.mapping.redaction import nameless_title
from spark_jobs.mapping.spec import Reading
from spark_jobs.session import shuffle_partitions

_DAY_IN_PATH = r"/ds=(\d{4}-\d{2}-\d{2})/"
_NO_NAMES = "cast(array() as array<string>)"

_LOG_COLUMNS = [
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
_LOG_TIME = "dd/MMM/yyyy:HH:mm:ss Z"


def read_raw(session: SparkSession, reading: Reading, deliveries: Iterable[Delivery]) -> DataFrame | None:
    """The raw rows of all readable files, or None where there are none."""
    files = [file for delivery in deliveries for file in delivery.files]
    if not files:
        return None
    if reading.format == "csv":
        return _read_csv(session, reading, files)
    fields = {"json_lines": _json_fields, "apache_combined": _log_fields, "delimited": _split_fields}[reading.format]
    return fields(_read_lines(session, files), reading)


def _read_lines(session: SparkSession, files: Sequence[Path]) -> DataFrame:
    """Text files line by line; bytes that are not UTF-8 are shown as Latin-1, so that none is lost."""
    text = session.read.option("recursiveFileLookup", "true").option("lineSep", "\n").text(list(map(_as_named, files)))
    valid = F.is_valid_utf8("value")
    line = F.when(valid, F.col("value")).otherwise(F.decode(F.col("value").cast("binary"), "ISO-8859-1"))
    lines = text.select(
        *_origin(F.col("_metadata.file_path")),
        F.regexp_replace(line, "^\ufeff|\r$", "").alias("raw_text"),
        F.when(~valid, F.lit("wrong_encoding")).alias("encoding_problem"),
    )
    # one gzip file is one task until here
    return lines.where("trim(raw_text) != ''").repartition(shuffle_partitions(session))


def _as_named(file: Path) -> str:
    """A path in which Spark reads no pattern: a delivery may be named with braces or stars."""
    return re.sub(r"([\\{}\[\]*?])", r"\\\1", str(file))


def _origin(path: Column) -> tuple[Column, Column]:
    day = F.regexp_extract(path, _DAY_IN_PATH, 1).cast("date").alias("raw_ds")
    return day, F.regexp_replace(path, f".*{_DAY_IN_PATH}", "").alias("raw_file")


def _json_fields(lines: DataFrame, reading: Reading) -> DataFrame:
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
    return lines.withColumn("parsed", parsed).select(
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
    return F.coalesce(F.array_except(found, F.array(*map(F.lit, known))), F.expr(_NO_NAMES))


def _log_fields(lines: DataFrame, _: Reading) -> DataFrame:
    """Apache combined, with an optional eleventh field for cookies; read as separated values, faster than patterns."""
    schema = ", ".join(f"{name} STRING" for name in _LOG_COLUMNS)
    options = {"sep": " ", "quote": '"', "escape": "\\", "mode": "PERMISSIVE"}
    fields = lines.withColumn("parsed", F.from_csv("raw_text", schema, options)).select(
        "raw_ds",
        "raw_file",
        "raw_text",
        "encoding_problem",
        *(F.nullif(F.col(f"parsed.{name}"), F.lit("-")).alias(name) for name in _LOG_COLUMNS),
    )
    occurred_at = F.try_to_timestamp(F.expr("substr(time_text, 2) || ' ' || rtrim(']', zone)"), F.lit(_LOG_TIME))
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
        F.expr(_NO_NAMES).alias("raw_unknown"),
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


def _split_fields(lines: DataFrame, reading: Reading) -> DataFrame:
    parts = F.split("raw_text", re.escape(reading.separator))
    return lines.select(
        "raw_ds",
        "raw_file",
        "raw_text",
        F.coalesce("encoding_problem", F.when(F.size(parts) != len(reading.columns), F.lit("malformed"))).alias(
            "raw_problem"
        ),
        F.expr(_NO_NAMES).alias("raw_unknown"),
        *(F.get(parts, F.lit(index)).alias(name) for index, name in enumerate(reading.columns)),
    )


def _read_csv(session: SparkSession, reading: Reading, files: Sequence[Path]) -> DataFrame:
    """CSV files, grouped by their header, since a survey may change from one delivery to the next."""
    headers = {file: _header_rows(file, reading.header_rows) for file in files}
    by_header = itertools.groupby(sorted(files, key=lambda file: (headers[file], file)), key=headers.__getitem__)
    parts = [_csv_fields(session, reading, header, list(group)) for header, group in by_header]
    return reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), parts)


def _header_rows(file: Path, count: int) -> list[list[str]]:
    open_text = gzip.open if file.suffix == ".gz" else open
    with open_text(file, "rt", encoding="utf-8-sig", errors="replace", newline="") as stream:
        return list(itertools.islice(csv.reader(stream), count))


def _csv_fields(session: SparkSession, reading: Reading, header: list[list[str]], files: Sequence[Path]) -> DataFrame:
    names = _unique_names(header[0])
    key = next((name for name, title in zip(names, header[0], strict=True) if title in reading.key_columns), None)
    if key is None:
        raise RawDataError(
            expected=f"a key column ({' or '.join(repr(name) for name in reading.key_columns)}) in {files[0]}",
            received=f"the columns {', '.join(map(nameless_title, header[0][:6]))} ...",
            remedy="export the survey with its respondent ids, or name its key under read.key_columns of the mapping",
        )
    titles_of_key = [row[names.index(key)] for row in header[1:] if len(row) > names.index(key)]
    known = set(reading.columns) or set(header[0])
    unknown = [title for title in header[0] if title not in known]
    questions = [
        name
        for name, title in zip(names, header[0], strict=True)
        if title in known and name != key and re.fullmatch(reading.questions, title)
    ]
    rows = (
        session.read.option("recursiveFileLookup", "true")
        .option("header", "true")
        .option("multiLine", "true")
        .option("escape", '"')
        .option("columnNameOfCorruptRecord", "raw_corrupt")
        .option("enforceSchema", "true")
        .schema(", ".join(f"`{name}` STRING" for name in [*names, "raw_corrupt"]))
        .csv([_as_named(file) for file in files])
        .select("*", F.col("_metadata.file_path").alias("raw_path"))
        .repartition(shuffle_partitions(session))
    )
    columns = [F.col(f"`{name}`") for name in names]
    text = F.coalesce("raw_corrupt", F.to_csv(F.struct(*columns)))
    answers = F.filter(
        F.array(*(F.struct(F.lit(name).alias("question"), F.col(f"`{name}`").alias("answer")) for name in questions)),
        lambda pair: F.trim(pair["answer"]) != "",
    )
    fields = F.map_from_arrays(F.array(*map(F.lit, names)), F.array(*columns))
    return rows.where(~F.coalesce(F.col(f"`{key}`").isin(titles_of_key), F.lit(False))).select(
        *_origin(F.col("raw_path")),
        text.alias("raw_text"),
        F.when(text.contains("\ufffd"), F.lit("wrong_encoding"))
        .when(F.col("raw_corrupt").isNotNull() | (F.coalesce(F.trim(f"`{key}`"), F.lit("")) == ""), F.lit("malformed"))
        .alias("raw_problem"),
        F.array(*map(F.lit, unknown)).cast(ArrayType(StringType())).alias("raw_unknown"),
        F.col(f"`{key}`").alias("raw_key"),
        answers.alias("raw_answers"),
        fields.alias("raw_fields"),
    )


def _unique_names(titles: list[str]) -> list[str]:
    """Column names that Spark can tell apart: it ignores case, and exports leave titles empty."""
    names: list[str] = []
    taken: set[str] = set()
    for index, title in enumerate(titles):
        name = title.replace("`", "'") or f"column_{index + 1}"
        if name.lower() in taken:
            name = f"{name} ({index + 1})"
        taken.add(name.lower())
        names.append(name)
    return names
