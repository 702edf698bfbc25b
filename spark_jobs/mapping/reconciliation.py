"""The books of a source and a day: rows read, and what became of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import reduce
from typing import NamedTuple

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from contracts.errors import LakeError, RawDataError
from spark_jobs.mapping.deliveries import Delivery
from spark_jobs.mapping.outcomes import rows_columns
from spark_jobs.mapping.redaction import redacted_field
from spark_jobs.mapping.spec import Spec

FEW_ROWS = 20
"""Up to this many quarantined rows of a day pass at any share, unless nothing else came."""

MANY_NAMES = 50
"""Unknown fields of a day that are counted by name, most frequent first; a feed can make up any number."""


class Count(NamedTuple):
    """Rows of one source and day with one outcome; a row of the contract `reconciliation`."""

    source: str
    ds: str
    outcome: str
    rule: str | None
    rows: int


def count_files(source: str, deliveries: Iterable[Delivery]) -> list[Count]:
    """Count each file that was set aside as one row read and one row quarantined."""
    counts = []
    for delivery in deliveries:
        for reason, files in Counter(reason for _, reason in delivery.set_aside).items():
            counts.append(Count(source, delivery.ds, "quarantined", reason, files))
            counts.append(Count(source, delivery.ds, "read", None, files))
    return counts


def count_rows(raw: DataFrame, rows: DataFrame, spec: Spec) -> list[Count]:
    """Count the raw rows as they were read, before any mapping, and by their outcome in `rows`."""
    day = F.col("raw_ds").cast("string").alias("ds")
    counts = [Count(spec.source, row.ds, "read", None, row["count"]) for row in raw.groupBy(day).count().collect()]
    late = (F.col("outcome") == "mapped") & (F.col("occurred_at").cast("date") < F.col("raw_ds"))
    bot = F.when(F.col("rule") == "bot", F.coalesce("bot_name", F.lit("unnamed")))
    cut_off = (F.exists(given, lambda row: row["shortened"]) for given in rows_columns(spec))
    cut_off = reduce(Column.__or__, cut_off, F.lit(False))
    shortened = F.coalesce((F.col("outcome") == "mapped") & cut_off, F.lit(False)).alias("shortened")
    late = F.coalesce(late, F.lit(False)).alias("late")
    by_outcome = rows.groupBy(day, "outcome", "rule", bot.alias("bot"), late, shortened)
    for row in by_outcome.count().collect():
        counts.append(Count(spec.source, row.ds, row.outcome, row.rule, row["count"]))
        if row.late and spec.read.delivery == "daily":
            counts.append(Count(spec.source, row.ds, "noted", "late", row["count"]))
        if row.shortened:
            counts.append(Count(spec.source, row.ds, "noted", "shortened", row["count"]))
        if row.bot:
            counts.append(Count(spec.source, row.ds, "noted", f"bot:{row.bot}", row["count"]))
    unknown = rows.select(day, F.explode("raw_unknown").alias("name")).groupBy("ds", "name").count()
    by_frequency = Window.partitionBy("ds").orderBy(F.desc("count"), "name")
    kept = F.when(F.row_number().over(by_frequency) <= MANY_NAMES, redacted_field("name")).otherwise("(others)")
    for row in unknown.select("ds", kept.alias("name"), "count").groupBy("ds", "name").agg(F.sum("count")).collect():
        counts.append(Count(spec.source, row.ds, "noted", f"unknown_field:{row.name}", row[2]))
    return counts


def check_sum(spec: Spec, ds: str, counts: Iterable[Count]) -> None:
    """Raise LakeError unless read = mapped + quarantined + dropped for a day."""
    number = _by_outcome(ds, counts)
    accounted = number["mapped"] + number["quarantined"] + number["dropped"]
    if number["read"] != accounted:
        raise LakeError(
            expected=f"read = mapped + quarantined + dropped for {spec.source} of {ds}",
            received=f"{number['read']} read and {accounted} accounted for",
            remedy="report this: rows were lost or multiplied in the mapping; nothing was published",
        )


def check_share(spec: Spec, ds: str, counts: Iterable[Count]) -> None:
    """Raise RawDataError when too large a share of a day's rows could not be mapped."""
    number = _by_outcome(ds, counts)
    share = number["quarantined"] / max(1, number["read"])
    nothing_else = number["quarantined"] > 0 and number["mapped"] + number["dropped"] == 0
    limit = spec.read.quarantine_limit_share
    if nothing_else or (number["quarantined"] > FEW_ROWS and share > limit):
        reasons = Counter()
        for count in counts:
            if count.ds == ds and count.outcome == "quarantined":
                reasons[count.rule] += count.rows
        most = ", ".join(f"{rule}: {rows}" for rule, rows in reasons.most_common(3))
        raise RawDataError(
            expected=f"at least {1 - limit:.0%} of the rows of {spec.source} of {ds} to fit its mapping "
            f"({spec.read.format})",
            received=f"{number['quarantined']} of {number['read']} that do not ({most})",
            remedy="check the format of the delivery, or raise quarantine_limit_share in the mapping; "
            "nothing was published",
        )


def _by_outcome(ds: str, counts: Iterable[Count]) -> Counter[str]:
    number: Counter[str] = Counter()
    for count in counts:
        if count.ds == ds:
            number[count.outcome] += count.rows
    return number


def added_up(counts: Iterable[Count]) -> list[Count]:
    """Each source, day, outcome and rule once."""
    total: Counter[tuple] = Counter()
    for count in counts:
        total[count[:4]] += count.rows
    return [Count(*key, rows) for key, rows in sorted(total.items(), key=lambda item: tuple(map(str, item[0])))]
