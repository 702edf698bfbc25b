"""The books of a source and a day: files, rows and records read, and what became of each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from contracts.errors import LakeError, RawDataError
from contracts.report import source_entry
from contracts.tables.mapped import UNITS
from spark_jobs.mapping.deliveries import Delivery
from spark_jobs.mapping.expressions import Records
from spark_jobs.mapping.likeness import advice_on
from spark_jobs.mapping.notes import NOBODY, UNCAST, Notes
from spark_jobs.mapping.outcomes import DUPLICATE
from spark_jobs.mapping.redaction import redacted_field
from spark_jobs.mapping.spec import Spec

FEW_ROWS = 20
"""Up to this many quarantined rows of a day pass at any share, unless nothing else came."""

MANY_NAMES = 50
"""Unknown fields of a day that are counted by name, most frequent first; a feed can make up any number."""


class Count(NamedTuple):
    """Files, rows or records of one source and day with one outcome; a row of the contract `reconciliation`."""

    source: str
    ds: str
    outcome: str
    rule: str | None
    rows: int
    unit: str = "row"


class Books(NamedTuple):
    """What became of rows and records, of all days."""

    counts: list[Count]
    by_row: int
    """Rows that are quarantined for what they are."""
    by_record: int
    """Rows that are quarantined for their records: the quarantine holds these records, and no row of their own."""
    mapped: frozenset[int]
    """The writings, by their numbers, of which records are mapped."""
    broken: frozenset[int]
    """Those of which records do not fit their contracts."""
    uncast: Mapping[tuple[str, str], tuple[int, int]]
    """(day, note) -> values that were not understood, values that were there."""


def count_files(source: str, deliveries: Iterable[Delivery]) -> list[Count]:
    """Count files; each that was set aside also as one row read and one row quarantined, none that was left out."""
    counts = []
    for delivery in deliveries:
        ds = delivery.ds
        for reason, files in Counter(reason for _, reason in delivery.set_aside).items():
            for unit in ("file", "row"):
                counts.append(Count(source, ds, "quarantined", reason, files, unit))
                counts.append(Count(source, ds, "read", None, files, unit))
        for rule, files in Counter(rule for _, rule in delivery.left_out).items():
            counts += [
                Count(source, ds, "dropped", rule, files, "file"),
                Count(source, ds, "read", None, files, "file"),
            ]
        if delivery.files:
            counts += [Count(source, ds, outcome, None, len(delivery.files), "file") for outcome in ("read", "mapped")]
    return counts


def count_rows(raw: DataFrame, rows: DataFrame, spec: Spec, records: Sequence[Records], let_notes: Notes) -> Books:
    """Count the raw rows as they were read, before any mapping, and by their outcome in `rows`; and their records.

    Records with a key that the day has already are counted as mapped: `with_repeats` tells them apart later.
    """
    day = F.col("raw_ds").cast("string").alias("ds")
    source = spec.source
    counts = [Count(source, row.ds, "read", None, row["count"]) for row in raw.groupBy(day).count().collect()]
    late = (F.col("outcome") == "mapped") & (F.col("occurred_at").cast("date") < F.col("raw_ds"))
    bot = F.when(F.col("rule") == "bot", F.coalesce("bot_name", F.lit("unnamed")))
    late = F.coalesce(late, F.lit(False)).alias("late")
    unwanted = (F.col("outcome") == "dropped") & (F.col("rule") != NOBODY)
    noted = F.when(unwanted, 0).otherwise(F.col("notes_of_let")).alias("notes")
    quarantined: Counter[bool] = Counter()
    writings: dict[str, set[int]] = defaultdict(set)
    unknown = 0
    there: Counter[tuple[str, str]] = Counter()
    by_outcome = rows.groupBy(day, "outcome", "rule", "judged", bot.alias("bot"), late, noted)
    for row in by_outcome.agg(F.count("*").alias("count"), F.sum(F.size("raw_unknown")).alias("unknown")).collect():
        counts.append(Count(source, row.ds, row.outcome, row.rule, row["count"]))
        unknown += row.unknown or 0
        if row.outcome == "quarantined":
            quarantined[row.judged] += row["count"]
        if row.late and spec.read.delivery == "daily":
            counts.append(Count(source, row.ds, "noted", "late", row["count"]))
        if row.bot:
            counts.append(Count(source, row.ds, "noted", f"bot:{row.bot}", row["count"]))
        counts += [Count(source, row.ds, "noted", note, row["count"]) for note in let_notes.noted(row.notes)]
        there.update({(row.ds, note): row["count"] for note in let_notes.there(row.notes)})
    marks = rows.where("judged").select(day, F.explode("marks").alias("mark")).where("mark is not null")
    for row in marks.groupBy("ds", "mark.writing", "mark.dropped", "mark.broken", "mark.notes").count().collect():
        outcome = "dropped" if row.dropped else "quarantined" if row.broken else "mapped"
        counts.append(Count(source, row.ds, "read", None, row["count"], "record"))
        counts.append(Count(source, row.ds, outcome, row.dropped or row.broken, row["count"], "record"))
        writings[outcome].add(row.writing)
        notes = records[row.writing].notes
        counts += [Count(source, row.ds, "noted", note, row["count"], "record") for note in notes.noted(row.notes)]
        there.update({(row.ds, note): row["count"] for note in notes.there(row.notes)})
    lost = Counter()
    for count in counts:
        if count.outcome == "noted" and count.rule.startswith(UNCAST):
            lost[count.ds, count.rule] += count.rows
    return Books(
        counts + (_unknown_fields(rows, source) if unknown else []),
        by_row=quarantined[False],
        by_record=quarantined[True],
        mapped=frozenset(writings["mapped"]),
        broken=frozenset(writings["quarantined"]),
        uncast={key: (rows, there[key]) for key, rows in lost.items()},
    )


def _unknown_fields(rows: DataFrame, source: str) -> list[Count]:
    day = F.col("raw_ds").cast("string").alias("ds")
    unknown = rows.select(day, F.explode("raw_unknown").alias("name")).groupBy("ds", "name").count()
    by_frequency = Window.partitionBy("ds").orderBy(F.desc("count"), "name")
    kept = F.when(F.row_number().over(by_frequency) <= MANY_NAMES, redacted_field("name")).otherwise("(others)")
    names = unknown.select("ds", kept.alias("name"), "count").groupBy("ds", "name").agg(F.sum("count").alias("rows"))
    return [Count(source, row.ds, "noted", f"unknown_field:{row.name}", row.rows) for row in names.collect()]


def count_repeats(repeats: DataFrame, source: str) -> list[Count]:
    """Move the records with a `repeat` (`with_repeats`) from mapped to dropped or quarantined."""
    day = F.col("ds").cast("string").alias("ds")
    counts = []
    for row in repeats.where("repeat is not null").groupBy(day, "repeat").count().collect():
        outcome = "dropped" if row.repeat == DUPLICATE else "quarantined"
        counts.append(Count(source, row.ds, "mapped", None, -row["count"], "record"))
        counts.append(Count(source, row.ds, outcome, row.repeat, row["count"], "record"))
    return counts


def check_sum(spec: Spec, ds: str, counts: Iterable[Count]) -> None:
    """Raise LakeError unless read = mapped + quarantined + dropped for the files, rows and records of a day."""
    counts = list(counts)
    for unit in UNITS:
        number = _by_outcome(ds, unit, counts)
        accounted = number["mapped"] + number["quarantined"] + number["dropped"]
        if number["read"] != accounted:
            raise LakeError(
                expected=f"read = mapped + quarantined + dropped for the {unit}s of {spec.source} of {ds}",
                received=f"{number['read']} read and {accounted} accounted for",
                remedy=f"report this: {unit}s were lost or multiplied in the mapping; nothing was published",
            )


def check_share(spec: Spec, ds: str, counts: Iterable[Count], files: Sequence[Path] = ()) -> None:
    """Raise RawDataError when too large a share of a day's rows, or of its records, could not be mapped.

    Args:
        files: those of the day; the error says what they look like, where that is another format.
    """
    counts = list(counts)
    limit = spec.read.quarantine_limit_share
    for unit in ("row", "record"):
        number = _by_outcome(ds, unit, counts)
        share = number["quarantined"] / max(1, number["read"])
        nothing_else = unit == "row" and number["quarantined"] > 0 and number["mapped"] + number["dropped"] == 0
        if nothing_else or (number["quarantined"] > FEW_ROWS and share > limit):
            reasons = Counter()
            for count in counts:
                if (count.ds, count.unit, count.outcome) == (ds, unit, "quarantined"):
                    reasons[count.rule] += count.rows
            most = ", ".join(f"{rule}: {rows}" for rule, rows in reasons.most_common(3))
            raise RawDataError(
                expected=f"at least {1 - limit:.0%} of the {unit}s of {spec.source} of {ds} to fit its mapping "
                f"({spec.read.format})",
                received=f"{number['quarantined']} of {number['read']} that do not ({most})",
                remedy=f"{advice_on(files, spec.read)}check the format of the delivery, or raise "
                "quarantine_limit_share in the mapping, or map it with --accept-quarantine; nothing was published",
            )


def check_understood(spec: Spec, ds: str, uncast: Mapping[tuple[str, str], tuple[int, int]]) -> None:
    """Raise RawDataError when too large a share of a day's values of one column was there and not understood."""
    for (day, note), (lost, there) in sorted(uncast.items()):
        if day == ds and lost > FEW_ROWS and lost > spec.read.quarantine_limit_share * there:
            raise RawDataError(
                expected=f"at least {1 - spec.read.quarantine_limit_share:.0%} of the values of "
                f"{note.removeprefix(UNCAST)} of {spec.source} of {ds} to be understood",
                received=f"{lost} of {there} that are not",
                remedy="say in the mapping how they are written (number(text, ','), moment(text, pattern)), or raise "
                "quarantine_limit_share, or map it with --accept-quarantine; nothing was published",
            )


def _by_outcome(ds: str, unit: str, counts: Iterable[Count]) -> Counter[str]:
    number: Counter[str] = Counter()
    for count in counts:
        if (count.ds, count.unit) == (ds, unit):
            number[count.outcome] += count.rows
    return number


def entry_of(counts: Iterable[Count]) -> dict[str, Any]:
    """What was read and what became of it, as `sources` of the report has it."""
    return source_entry((count.unit, count.outcome, count.rule, count.rows) for count in counts)


def added_up(counts: Iterable[Count]) -> list[Count]:
    """Each source, day, outcome, rule and unit once."""
    total: Counter[tuple] = Counter()
    for count in counts:
        total[count.source, count.ds, count.outcome, count.rule, count.unit] += count.rows
    keys = sorted(total, key=lambda key: tuple(map(str, key)))
    return [Count(*key[:4], total[key], key[4]) for key in keys if total[key]]
