"""CSV files with header rows, as surveys are exported: quoted fields, line breaks in them, columns that change."""

from __future__ import annotations

import csv
import gzip
import itertools
import re
from collections.abc import Sequence
from functools import reduce
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from contracts.errors import RawDataError
from spark_jobs.mapping.readers.lines import literal_path, origin
from spark_jobs.mapping.reading import Reading
from spark_jobs.mapping.redaction import redacted_title
from spark_jobs.session import shuffle_partitions


def read(session: SparkSession, reading: Reading, files: Sequence[Path]) -> DataFrame:
    """`raw_key`, `raw_answers` (an array of `question`, `answer` without the empty ones), `raw_fields` (a map).

    Files are read by their headers, since a survey may change from one delivery to the next.

    Raises:
        RawDataError: a file has none of the key columns.
    """
    headers = {file: _header_rows(file, reading.header_rows) for file in files}
    by_header = itertools.groupby(sorted(files, key=lambda file: (headers[file], file)), key=headers.__getitem__)
    parts = [_rows_of_header(session, reading, header, list(group)) for header, group in by_header]
    return reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), parts)


def _header_rows(file: Path, count: int) -> list[list[str]]:
    open_text = gzip.open if file.suffix == ".gz" else open
    with open_text(file, "rt", encoding="utf-8-sig", errors="replace", newline="") as stream:
        return list(itertools.islice(csv.reader(stream), count))


def _rows_of_header(
    session: SparkSession, reading: Reading, header: list[list[str]], files: Sequence[Path]
) -> DataFrame:
    names = _unique_names(header[0])
    key = next((name for name, title in zip(names, header[0], strict=True) if title in reading.key_columns), None)
    if key is None:
        raise RawDataError(
            expected=f"a key column ({' or '.join(repr(name) for name in reading.key_columns)}) in {files[0]}",
            received=f"the columns {', '.join(map(redacted_title, header[0][:6]))} ...",
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
        .csv([literal_path(file) for file in files])
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
        *origin(F.col("raw_path")),
        text.alias("raw_text"),
        F.when(text.contains("\ufffd"), F.lit("wrong_encoding"))
        .when(F.col("raw_corrupt").isNotNull() | (F.coalesce(F.trim(f"`{key}`"), F.lit("")) == ""), F.lit("malformed"))
        .alias("raw_problem"),
        F.array(*map(F.lit, unknown)).cast("array<string>").alias("raw_unknown"),
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
