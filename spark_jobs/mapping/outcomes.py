"""Every raw row ends in exactly one outcome, and every record that it gives in one of its own.

A raw row is dropped when its reader says so (a header, a blank line) or its person was erased; quarantined when it
cannot be read, breaks a quarantine rule or gives no record where it should; dropped when a drop rule or the duplicate
rule holds. Of the records of the others, one that does not fit its contract is quarantined, one of nobody or with a key
that the day has already is dropped, the rest is mapped. A row of which no record is left shares their fate; all others
are mapped. So read = mapped + quarantined + dropped, for rows and records, by construction and counted again before
anything is published.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from pathlib import Path

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from contracts.schema import Table
from contracts.tombstones import ERASED
from spark_jobs.literals import sql_literal
from spark_jobs.mapping.bots import with_bot_name
from spark_jobs.mapping.expressions import PLACE, Records, with_let, with_records
from spark_jobs.mapping.notes import NOBODY, notes_of_let
from spark_jobs.mapping.sessions import with_session
from spark_jobs.mapping.spec import Spec
from spark_jobs.pseudonyms import Functions

NO_RECORDS = "no_records"
"""Rule of a row whose `for_each` finds no array, and which gives nothing else: the error page of a service."""

DUPLICATE = "duplicate"
NOT_UNIQUE = "not_unique"
"""Rule of a record whose key the day has already, with other values: the mapping's id expression may be wrong."""

_KEPT = ("raw_ds", "raw_file", "raw_text", "raw_unknown", "bot_name", "occurred_at", "notes_of_let")


def with_outcome(raw: DataFrame, spec: Spec, records: Sequence[Records], functions: Functions) -> DataFrame:
    """Decide what becomes of every raw row by itself, and make its records.

    Args:
        raw: as read; with the columns of `with_erased` where anybody has been erased.
        spec: the mapping as written.
        records: of each of its writings.

    Returns:
        `raw_ds`, `raw_file`, `raw_text`, `raw_unknown`; `bot_name` and `occurred_at` (null where the mapping has none);
        `notes_of_let`; `verdict` (outcome and rule of the row itself, null where none holds), `of_records` (those that
        its records give it); `record_key` by which it is a duplicate, and `key_hash` of it; `marks`: what became of
        each record (null for one that is not written); and the column of each of `records`.
    """
    let_notes = notes_of_let(spec, functions).sql()
    translated = spec.translated(functions.expanded)
    rows = with_bot_name(raw, translated.bots) if spec.bots else raw.withColumn("bot_name", _no_text())
    rows = with_let(rows, translated)
    if "occurred_at" not in spec.let:
        rows = rows.withColumn("occurred_at", F.lit(None).cast("timestamp"))
    rows = rows.select("*", F.expr(let_notes).alias("notes_of_let"), _verdict_of_row(translated, raw).alias("verdict"))
    rows = with_records(rows, records)
    # a row without a key of its own is one by its whole text, which need not be kept twice
    key = F.lit(None).cast("string") if translated.key == "raw_text" else F.expr(f"cast({translated.key} as string)")
    rows = rows.select(
        *_KEPT,
        "verdict",
        key.alias("record_key"),
        F.expr(f"concat({', '.join(one.marks(number) for number, one in enumerate(records))})").alias("marks"),
        *(one.name for one in records),
    )
    empty = F.when(_without_records(records), _verdict("quarantined", NO_RECORDS))
    rows = rows.withColumn("verdict", F.coalesce("verdict", empty))
    return rows.select(
        "*",
        _verdict_of_records(records).alias("of_records"),
        F.xxhash64(_key_of_row()).alias("key_hash"),
        F.monotonically_increasing_id().alias("row_number"),
    )


def checkpoint(rows: DataFrame, folder: Path) -> DataFrame:
    """The rows, written and read again: what follows is planned over files, and not over all that led to them."""
    rows.write.parquet(str(folder))
    return rows.sparkSession.read.schema(rows.schema).parquet(str(folder))


def with_duplicates(decided: DataFrame, scratch: Path) -> DataFrame:
    """Let the duplicate rule decide, too.

    Args:
        decided: rows of `checkpoint(with_outcome(...))`, as they are read more than once.
        scratch: a folder of `raw_scratch`, for the numbers of those that are dropped.

    Returns:
        The rows, with `outcome` (mapped, quarantined, dropped), `rule` (why; null for mapped) and `judged`, whether the
        books count its records, in place of their verdicts.
    """
    undecided = decided.where("verdict is null and of_records is null")
    # only hashes are moved; whole rows are put in order where a hash comes twice
    repeated = undecided.groupBy("raw_ds", "key_hash").count().where("count > 1").select("raw_ds", "key_hash")
    if repeated.isEmpty():
        rows = decided
    else:
        same_key = Window.partitionBy("raw_ds", _key_of_row()).orderBy("raw_file", "raw_text")
        later = undecided.join(repeated, ["raw_ds", "key_hash"], "left_semi")
        later = later.select("row_number", F.row_number().over(same_key).alias("delivery")).where("delivery > 1")
        rows = decided.join(checkpoint(later, scratch / "duplicates"), "row_number", "left").withColumn(
            "verdict", F.when(F.col("delivery").isNotNull(), _verdict("dropped", DUPLICATE)).otherwise(F.col("verdict"))
        )
    final = F.coalesce("verdict", "of_records")
    decisions = ("verdict", "of_records", "record_key", "key_hash", "row_number", "delivery")
    return rows.select(
        "*",
        F.coalesce(final["outcome"], F.lit("mapped")).alias("outcome"),
        final["rule"].alias("rule"),
        F.col("verdict").isNull().alias("judged"),
    ).drop(*decisions)


def _key_of_row() -> Column:
    return F.coalesce("record_key", "raw_text")


def table_records(rows: DataFrame, records: Sequence[Records], table: Table) -> DataFrame | None:
    """The mapped records of one table, equal keys among them; None where the mapping writes no such table.

    Returns:
        The columns of the contract, `session_key`; `ds`, `raw_file`, `raw_text`, `place` (from 1, null where a row
        gives one record only) and `several` (whether it may give more).
    """
    parts = []
    for one in records:
        if one.writing.table is not table:
            continue
        found = _judged_records(rows, one).where("record.dropped is null and record.broken is null")
        found = found.withColumnRenamed("raw_ds", "ds").withColumn("several", F.lit(one.several))
        stated = {name: F.col(f"record.{name}") for name in one.values if name in (*table.column_names, "session_key")}
        columns = [
            stated.get(column.name, F.lit(None)).cast(column.parsed_type.spark).alias(column.name)
            for column in table.columns
        ]
        session_key = stated.get("session_key", F.lit(None)).cast("string").alias("session_key")
        parts.append(found.select(*columns, session_key, "ds", "raw_file", "raw_text", "place", "several"))
    return reduce(DataFrame.unionByName, parts) if parts else None


def broken_records(rows: DataFrame, one: Records) -> DataFrame:
    """`raw_ds`, `raw_file`, `raw_text`, `place` and `rule` of the records of a writing that do not fit its contract."""
    return (
        _judged_records(rows, one).withColumn("rule", F.col("record.broken")).where("rule is not null").drop("record")
    )


def with_repeats(found: DataFrame, table: Table) -> DataFrame:
    """Add `repeat` to the records of a table: null for the first with a key on a day, `duplicate` for a later one.

    A later one with other values, from a row that gives no more than one record, is `not_unique: table.key` instead:
    a page may show what another showed already, but two lines that claim one id may be a mistake of the mapping.
    """
    content = F.xxhash64(*table.column_names)
    in_order = Window.partitionBy("ds", *table.key).orderBy("raw_file", "raw_text", F.col("place").asc_nulls_first())
    numbered = found.withColumn("number", F.row_number().over(in_order)).withColumn("content", content)
    same = F.first("content").over(in_order) == F.col("content")
    name = f"{NOT_UNIQUE}: {table.name}.{table.key[0]}"
    repeat = F.when(F.col("several") | same, F.lit(DUPLICATE)).otherwise(F.lit(name))
    return numbered.withColumn("repeat", F.when(F.col("number") > 1, repeat)).drop("number", "content")


def repeated_keys(parts: dict[Table, DataFrame]) -> set[str]:
    """The names of the tables in which a key stands more than once on a day."""
    keys = [
        part.select(F.lit(table.name).alias("table"), "ds", F.xxhash64(*table.key).alias("key"))
        for table, part in parts.items()
    ]
    if not keys:
        return set()
    times = reduce(DataFrame.unionByName, keys).groupBy("table", "ds", "key").count().where("count > 1")
    return {row.table for row in times.select("table").distinct().collect()}


def contract_rows(found: DataFrame, spec: Spec, table: Table) -> DataFrame:
    """The columns of the table's contract and `ds`, with sessions where the mapping has them."""
    if spec.sessions and table.name == "events":
        found = with_session(found.drop("session_id"), spec.sessions.silence_minutes)
    return found.select(*table.column_names, "ds")


def _judged_records(rows: DataFrame, one: Records) -> DataFrame:
    """`raw_ds`, `raw_file`, `raw_text`, `place` (from 1, null where a row gives one record only) and `record`."""
    origin = ("raw_ds", "raw_file", "raw_text")
    judged = rows.where("judged")
    if one.several:
        found = judged.select(*origin, F.posexplode(one.name).alias("place", "record"))
        return found.withColumn("place", F.expr("place + 1"))
    return judged.select(*origin, F.expr("cast(null as int) as place"), F.col(one.name).alias("record")).where(
        "record is not null"
    )


def _verdict_of_row(spec: Spec, raw: DataFrame) -> Column:
    """The first rule that a row breaks: no row at all, erased, unreadable, dropped, quarantined; else null."""
    verdict = F.when(F.lit(False), _verdict("dropped", ERASED))
    if "raw_dropped" in raw.columns:
        verdict = verdict.when(F.col("raw_dropped").isNotNull(), _verdict("dropped", F.col("raw_dropped")))
    if "raw_erased" in raw.columns:
        verdict = verdict.when(F.col("raw_erased"), _verdict("dropped", ERASED))
    verdict = verdict.when(F.col("raw_problem").isNotNull(), _verdict("quarantined", F.col("raw_problem")))
    for rule, condition in spec.drop.items():
        verdict = verdict.when(F.expr(f"coalesce({condition}, false)"), _verdict("dropped", rule))
    for rule, condition in spec.quarantine.items():
        verdict = verdict.when(F.expr(f"coalesce({condition}, false)"), _verdict("quarantined", rule))
    return verdict


def _verdict_of_records(records: Sequence[Records]) -> Column:
    """What becomes of a row that no rule holds for, by the records that it gives."""
    good = " or ".join(one.any(f"({PLACE}.dropped is null and {PLACE}.broken is null)") for one in records) or "false"
    broken = ", ".join(
        f"get(filter({one.name}, record -> record.broken is not null), 0).broken"
        if one.several
        else f"{one.name}.broken"
        for one in records
    )
    of_nobody = " or ".join(one.any(f"{PLACE}.dropped = {sql_literal(NOBODY)}") for one in records) or "false"
    cases = [
        (f"verdict is not null or coalesce({good}, false)", "null"),
        (f"coalesce({broken or 'null'}) is not null", _sql_verdict("quarantined", f"coalesce({broken or 'null'})")),
        (of_nobody, _sql_verdict("dropped", sql_literal(NOBODY))),
    ]
    return F.expr(f"case {' '.join(f'when {condition} then {value}' for condition, value in cases)} else null end")


def _without_records(records: Sequence[Records]) -> Column:
    """Whether a row that no rule holds for gives nothing, and lacks an array that the mapping looks for."""
    nothing = " and ".join(f"{one.name} is null" for one in records)
    return F.expr(f"verdict is null and {nothing}") if any(one.several for one in records) else F.lit(False)


def _sql_verdict(outcome: str, rule: str) -> str:
    return f"named_struct('outcome', {sql_literal(outcome)}, 'rule', {rule})"


def _verdict(outcome: str, rule: str | Column) -> Column:
    return F.struct(F.lit(outcome).alias("outcome"), (F.lit(rule) if isinstance(rule, str) else rule).alias("rule"))


def _no_text() -> Column:
    return F.lit(None).cast("string")
