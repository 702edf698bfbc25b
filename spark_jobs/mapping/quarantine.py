"""Quarantine without names: the shape of a row in the lake, the row itself for those who may read raw.

It is not known whose row it is that cannot be mapped, so nothing in it may stay readable. What stays is its shape
(letters as `*`, digits as `#`, punctuation and the field names of the mapping as they are) and `row_id`, a keyed
hash of its text, by which `main.py quarantined` finds it in raw again.
"""

from __future__ import annotations

import os
import re

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from contracts.errors import LakeError, RawDataError
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.settings import Settings
from contracts.tables.mapped import QUARANTINE
from spark_jobs.mapping.deliveries import look_at
from spark_jobs.mapping.readers.formats import FORMATS, raw_scratch, read_raw
from spark_jobs.mapping.reading import Reading
from spark_jobs.mapping.redaction import shape
from spark_jobs.mapping.spec import Spec, load_spec
from spark_jobs.pseudonyms import Functions
from spark_jobs.session import start_session


def quarantine_rows(broken: DataFrame, spec: Spec, functions: Functions) -> DataFrame:
    """The rows of the contract `quarantine` and `ds`.

    Args:
        broken: `raw_ds`, `raw_file`, `raw_text`, `rule` and `place` (of a record, null for a whole row).
    """
    return broken.select(
        F.lit(spec.source).alias("source"),
        F.expr(functions.expanded("masked(raw_file)")).alias("file"),
        F.expr(functions.expanded("keyed(raw_text)")).alias("row_id"),
        shape(F.col("raw_text"), safe_words(spec.read)).alias("raw"),
        F.col("rule").alias("reason"),
        F.col("place").alias("record"),
        F.col("raw_ds").alias("ds"),
    )


def safe_words(reading: Reading) -> tuple[str, ...]:
    """The mapping's own field names and the words of its format: they name nobody."""
    names = " ".join((reading.schema, *reading.ignore))
    return tuple(sorted({*re.findall(r"[A-Za-z]+", names), *FORMATS[reading.format].words}))


def original_rows(settings: Settings, source: str, ds: str, reason: str | None = None) -> list[tuple[str, str, str]]:
    """(file, reason, text) of the rows of a source and day that are in quarantine, as they stand in raw.

    Equal rows of a file are listed once; a file that was set aside whole has no text.

    Raises:
        LakeError: that day of the source is not mapped.
        RawDataError: a row is not in raw any more.
    """
    lake, spec = Lake(settings.home.lake), load_spec(source)
    if not lake.files("reconciliation", ds, owner=source):
        raise LakeError(
            expected=f"{source} of {ds} in {settings.home.lake}",
            received="a day that is not mapped",
            remedy=f"run `python -m spark_jobs.main map --source {source} --ds {ds}` first",
        )
    files = lake.files(QUARANTINE.name, ds, owner=source)
    if not files:
        return []
    session = start_session(settings, f"quarantined-{source}")
    kept = session.read.schema(QUARANTINE.ddl()).parquet(*map(str, files))
    rules = {(row.row_id, row.reason) for row in kept.where("row_id is not null").select("row_id", "reason").collect()}
    rules = {(row_id, rule) for row_id, rule in rules if reason in (None, rule)}
    whole = kept.where("row_id is null").select("file", "reason").collect()
    found = [(row.file, row.reason, "") for row in whole if reason in (None, row.reason)]
    landed = (settings.raw / source / f"ds={ds}").is_dir()
    ids: set[str] = set()
    with raw_scratch(lake, f"quarantined-{source}-{os.getpid()}") as scratch:
        deliveries = [look_at(settings.raw, spec, ds)] if rules and landed else []
        raw = read_raw(session, spec.read, deliveries, scratch)
        if raw is not None:
            row_id = F.expr(Functions(pseudonym_keys(settings)).expanded("keyed(raw_text)"))
            rows = raw.select("raw_file", "raw_text", row_id.alias("row_id")).distinct()
            for row in rows.where(F.col("row_id").isin(sorted({row_id for row_id, _ in rules}))).collect():
                ids.add(row.row_id)
                found += [(row.raw_file, rule, row.raw_text) for row_id, rule in rules if row_id == row.row_id]
    if missing := {row_id for row_id, _ in rules} - ids:
        raise RawDataError(
            expected=f"every quarantined row of {source} of {ds} in {settings.raw}",
            received=f"{len(missing)} that are not there any more",
            remedy="they were erased, or the day was delivered again; map it once more",
        )
    return sorted(found)
