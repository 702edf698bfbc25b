"""Every raw row ends in exactly one outcome, and mapped rows in the tables of their contracts.

A raw row is dropped when its person was erased; quarantined when it cannot be read, breaks a quarantine rule or does
not fit a contract; dropped when a drop rule or the duplicate rule holds; mapped otherwise. So read = mapped +
quarantined + dropped, by construction and counted again before anything is published.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from contracts.schema import Table
from contracts.tombstones import ERASED
from spark_jobs.mapping.bots import with_bot_name
from spark_jobs.mapping.expressions import breaks_contract, rows_given, with_let
from spark_jobs.mapping.sessions import with_session
from spark_jobs.mapping.spec import Spec
from spark_jobs.pseudonyms import Functions


def with_outcome(raw: DataFrame, spec: Spec, functions: Functions) -> DataFrame:
    """Decide what becomes of every raw row, and prepare the rows that it gives.

    Args:
        raw: as read; with the columns of `with_erased` where anybody has been erased.

    Returns:
        `raw_ds`, `raw_file`, `raw_text`, `raw_unknown`; `bot_name` and `occurred_at` (null where the mapping has none);
        `outcome` (mapped, quarantined, dropped) and `rule` (why; null for mapped); and a column of `rows_columns` for
        each writing: the typed rows as an array, so that every expression of the mapping is computed once a row.
    """
    erasing = "raw_erased" in raw.columns
    spec = spec.translated(functions.expanded)
    rows = with_bot_name(raw, spec.bots) if spec.bots else raw.withColumn("bot_name", F.lit(None).cast("string"))
    rows = with_let(rows, spec)
    if "occurred_at" not in spec.let:
        rows = rows.withColumn("occurred_at", F.lit(None).cast("timestamp"))
    kept = ("raw_ds", "raw_file", "raw_text", "raw_unknown", "bot_name", "occurred_at")
    rows = rows.select("*", _verdict_of_row(spec, erasing=erasing).alias("verdict")).select(
        *kept,
        "verdict",
        F.expr(f"coalesce({spec.key}, raw_text)").alias("record_key"),
        *(
            rows_given(writing, spec, erasing=erasing).alias(name)
            for name, writing in zip(rows_columns(spec), spec.writings, strict=True)
        ),
    )
    rows = rows.withColumn("verdict", F.coalesce("verdict", _verdict_of_contracts(spec)))
    same_key = Window.partitionBy("raw_ds", F.col("verdict").isNull(), "record_key").orderBy("raw_file", "raw_text")
    rows = rows.withColumn("delivery_number", F.row_number().over(same_key))
    duplicate = F.when(F.col("delivery_number") > 1, _verdict("dropped", F.lit("duplicate")))
    return rows.withColumn("verdict", F.coalesce("verdict", duplicate)).select(
        *kept,
        F.coalesce("verdict.outcome", F.lit("mapped")).alias("outcome"),
        F.col("verdict.rule").alias("rule"),
        *rows_columns(spec),
    )


def rows_columns(spec: Spec) -> list[str]:
    """The columns that hold the rows of each writing of a mapping, in its order."""
    return [f"rows_{index}" for index in range(len(spec.writings))]


def table_rows(mapped: DataFrame, spec: Spec, table: Table) -> DataFrame | None:
    """The rows of one table with the columns of its contract and `ds`; None where the mapping writes no such table."""
    parts = [
        mapped.select(F.col("raw_ds").alias("ds"), F.inline(name))
        for name, writing in zip(rows_columns(spec), spec.writings, strict=True)
        if writing.table is table
    ]
    if not parts:
        return None
    rows = reduce(DataFrame.unionByName, parts)
    if spec.sessions and table.name == "events":
        rows = with_session(rows, spec.sessions.silence_minutes)
    return rows.select(*table.column_names, "ds")


def _verdict_of_row(spec: Spec, *, erasing: bool) -> Column:
    """The first rule that a row breaks: erased, unreadable, dropped, quarantined, in this order; else null."""
    erased = F.col("raw_erased") if erasing else F.lit(False)
    verdict = F.when(erased, _verdict("dropped", F.lit(ERASED)))
    verdict = verdict.when(F.col("raw_problem").isNotNull(), _verdict("quarantined", F.col("raw_problem")))
    for rule, condition in spec.drop.items():
        verdict = verdict.when(F.expr(f"coalesce({condition}, false)"), _verdict("dropped", F.lit(rule)))
    for rule, condition in spec.quarantine.items():
        verdict = verdict.when(F.expr(f"coalesce({condition}, false)"), _verdict("quarantined", F.lit(rule)))
    return verdict


def _verdict_of_contracts(spec: Spec) -> Column:
    """Quarantine for a row that would give a value which its table does not allow; else null."""
    verdicts = [F.lit(None).cast("struct<outcome:string,rule:string>")]
    for name, writing in zip(rows_columns(spec), spec.writings, strict=True):
        for column in writing.table.columns:
            broken = breaks_contract(name, column) if column.name in writing.columns else None
            if broken is not None:
                rule = F.lit(f"contract: {writing.table.name}.{column.name}")
                verdicts.append(F.when(broken, _verdict("quarantined", rule)))
    return F.coalesce(*verdicts)


def _verdict(outcome: str, rule: Column) -> Column:
    return F.struct(F.lit(outcome).alias("outcome"), rule.alias("rule"))
