"""A mapping applied: every raw row ends in exactly one outcome, and mapped rows in the tables of their contracts.

A raw row is dropped when it is of somebody who was erased; quarantined when it cannot be read, breaks a quarantine rule
or does not fit a contract; dropped when a drop rule or the duplicate rule holds; mapped otherwise. So read = mapped +
quarantined + dropped, by construction and counted again before anything is published.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from contracts.schema import Column as TableColumn
from contracts.schema import Table
from contracts.tombstones import ERASED
from spark_jobs.mapping.bots import with_bot_name
from spark_jobs.mapping.masked_text import cleaned, too_long
from spark_jobs.mapping.spec import Spec, Writing


def with_outcome(raw: DataFrame, spec: Spec) -> DataFrame:
    """Judge every raw row, and prepare what it gives.

    Args:
        raw: as read; with the columns of `with_erased` where anybody has been erased.

    Returns:
        `raw_ds`, `raw_file`, `raw_text`, `raw_unknown`; `bot_name` and `occurred_at` (null where the mapping has none);
        `outcome` (mapped, quarantined, dropped) and `rule` (why; null for mapped); and `gives_0`, `gives_1`, ... the
        typed rows of each writing, as arrays, so that every expression of the mapping is computed once a row.
    """
    erasing = "raw_erased" in raw.columns
    rows = with_bot_name(raw, spec.bots) if spec.bots else raw.withColumn("bot_name", F.lit(None).cast("string"))
    for name, expression in spec.let.items():
        rows = rows.select("*", F.expr(expression).alias(name))
    if "occurred_at" not in spec.let:
        rows = rows.withColumn("occurred_at", F.lit(None).cast("timestamp"))
    kept = ("raw_ds", "raw_file", "raw_text", "raw_unknown", "bot_name", "occurred_at")
    rows = rows.select("*", _verdict_of_row(spec, erasing=erasing).alias("verdict")).select(
        *kept,
        "verdict",
        F.expr(f"coalesce({spec.key}, raw_text)").alias("record_key"),
        *(
            F.expr(_gives(writing, spec, erasing=erasing)).alias(f"gives_{index}")
            for index, writing in enumerate(spec.writings)
        ),
    )
    rows = rows.withColumn("verdict", F.coalesce("verdict", _verdict_of_contracts(spec)))
    same_key = Window.partitionBy("raw_ds", F.col("verdict").isNull(), "record_key").orderBy("raw_file", "raw_text")
    rows = rows.withColumn("delivery_number", F.row_number().over(same_key))
    duplicate = F.when(F.col("delivery_number") > 1, _outcome("dropped", F.lit("duplicate")))
    return rows.withColumn("verdict", F.coalesce("verdict", duplicate)).select(
        *kept,
        F.coalesce("verdict.outcome", F.lit("mapped")).alias("outcome"),
        F.col("verdict.rule").alias("rule"),
        *(f"gives_{index}" for index in range(len(spec.writings))),
    )


def table_rows(mapped: DataFrame, spec: Spec, table: Table) -> DataFrame | None:
    """The rows of one table with the columns of its contract and `ds`; None where the mapping writes no such table."""
    parts = [
        mapped.select(F.col("raw_ds").alias("ds"), F.inline(f"gives_{index}"))
        for index, writing in enumerate(spec.writings)
        if writing.table is table
    ]
    if not parts:
        return None
    rows = parts[0]
    for part in parts[1:]:
        rows = rows.unionByName(part)
    if spec.sessions and table.name == "events":
        rows = _with_session(rows, spec.sessions["silence_minutes"])
    return rows.select(*table.column_names, "ds")


def _verdict_of_row(spec: Spec, *, erasing: bool) -> Column:
    """The first rule that a row breaks: erased, unreadable, dropped, quarantined, in this order; else null."""
    erased = F.col("raw_erased") if erasing else F.lit(False)
    verdict = F.when(erased, _outcome("dropped", F.lit(ERASED)))
    verdict = verdict.when(F.col("raw_problem").isNotNull(), _outcome("quarantined", F.col("raw_problem")))
    for rule, condition in spec.drop.items():
        verdict = verdict.when(F.expr(f"coalesce({condition}, false)"), _outcome("dropped", F.lit(rule)))
    for rule, condition in spec.quarantine.items():
        verdict = verdict.when(F.expr(f"coalesce({condition}, false)"), _outcome("quarantined", F.lit(rule)))
    return verdict


def _verdict_of_contracts(spec: Spec) -> Column:
    """Quarantine for a row that would give a value which its table does not allow; else null."""
    verdicts = [F.lit(None).cast("struct<outcome:string,rule:string>")]
    for index, writing in enumerate(spec.writings):
        for column in writing.table.columns:
            violation = _violation(column) if column.name in writing.columns else ""
            if violation:
                broken = F.expr(f"exists(gives_{index}, given -> {violation})")
                rule = F.lit(f"contract: {writing.table.name}.{column.name}")
                verdicts.append(F.when(broken, _outcome("quarantined", rule)))
    return F.coalesce(*verdicts)


def _outcome(outcome: str, rule: Column) -> Column:
    return F.struct(F.lit(outcome).alias("outcome"), rule.alias("rule"))


def _violation(column: TableColumn) -> str:
    """SQL that is true for a row `given` whose value the contract does not allow; empty where it allows any."""
    value = f"given.{column.name}"
    broken = [f"{value} is null"] if column.required else []
    if column.one_of:
        broken.append(f"{value} not in ({', '.join(repr(allowed) for allowed in column.one_of)})")
    if column.pattern:
        broken.append(f"not {value} rlike '{column.pattern}'")
    return f"coalesce({' or '.join(broken)}, false)" if broken else ""


def _gives(writing: Writing, spec: Spec, *, erasing: bool) -> str:
    """SQL for the array of rows that a raw row gives to one table; null for rows that are not mapped."""
    columns = {
        column.name: f"try_cast({writing.columns.get(column.name, 'null')} as {column.type})"
        for column in writing.table.columns
    }
    columns["source"] = f"'{spec.source}'"
    if spec.sessions and writing.table.name == "events":
        columns["session_key"] = spec.sessions["by"]
    row = f"named_struct({', '.join(f'{name!r}, {value}' for name, value in columns.items())})"
    if writing.for_each:
        rows = f"transform({writing.for_each}, each -> if({writing.where}, {row}, null))"
    else:
        rows = f"array(if({writing.where}, {row}, null))"
    rows = _without_names(f"array_compact({rows})", writing.table, list(columns))
    if erasing:  # a row of another person may still say that an erased one is known to it
        for column in writing.table.columns:
            if column.holds == "identifier":
                erased = f"array_contains(raw_erased_names, given.{column.name})"
                rows = f"filter({rows}, given -> not coalesce({erased}, false))"
    return f"if(verdict is null, {rows}, null)"


def _without_names(rows: str, table: Table, names: list[str]) -> str:
    """SQL for rows whose texts may be kept, each with `shortened`: whether a part of a text was cut off."""
    values = {name: f"given.{name}" for name in names}
    values |= {column.name: cleaned(column, f"given.{column.name}") for column in table.texts}
    long = " or ".join(too_long(column, f"given.{column.name}") for column in table.texts) or "false"
    values["shortened"] = f"coalesce({long}, false)"
    return f"transform({rows}, given -> named_struct({', '.join(f'{name!r}, {sql}' for name, sql in values.items())}))"


def _with_session(events: DataFrame, silence_minutes: int) -> DataFrame:
    """Name each session by its first act: acts of one visitor, delivered on one day, without a longer silence."""
    in_time = Window.partitionBy("ds", "session_key").orderBy("occurred_at", "event_id")
    silence_seconds = F.unix_timestamp("occurred_at") - F.unix_timestamp(F.lag("occurred_at").over(in_time))
    begins = (silence_seconds > silence_minutes * 60) | silence_seconds.isNull()
    so_far = in_time.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    named = F.last(F.when(begins, F.col("event_id")), ignorenulls=True).over(so_far)
    return events.withColumn("session_id", F.when(F.col("session_key").isNotNull(), named))
