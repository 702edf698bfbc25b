"""`main.py map`: one source's raw deliveries to the tables of the lake."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

from pyspark import inheritable_thread_target
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from contracts.errors import LakeError, MappingError
from contracts.keys import pseudonym_keys, remember
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.schema import Table
from contracts.settings import Settings
from contracts.tables import TABLES
from contracts.tables.mapped import MAPPED_TABLES, QUARANTINE, RECONCILIATION
from contracts.tombstones import Tombstones
from spark_jobs.mapping.deliveries import Delivery, deliveries_to_map
from spark_jobs.mapping.expressions import Records, records_of
from spark_jobs.mapping.identifiers import with_erased
from spark_jobs.mapping.notes import notes_of_let
from spark_jobs.mapping.outcomes import (
    DUPLICATE,
    broken_records,
    checkpoint,
    contract_rows,
    repeated_keys,
    table_records,
    with_duplicates,
    with_outcome,
    with_repeats,
)
from spark_jobs.mapping.quarantine import quarantine_rows
from spark_jobs.mapping.readers.formats import raw_scratch, read_raw
from spark_jobs.mapping.reconciliation import (
    Books,
    Count,
    added_up,
    check_share,
    check_sum,
    check_understood,
    count_files,
    count_repeats,
    count_rows,
    entry_of,
)
from spark_jobs.mapping.spec import Spec, load_spec
from spark_jobs.pseudonyms import Functions
from spark_jobs.publishing import publish, stage
from spark_jobs.session import fit_to, start_session
from spark_jobs.spark_errors import VALUE_ERRORS, condition_of

WRITERS = 3
"""Tables written at a time: while Spark plans the one, it writes the other."""


def map_source(settings: Settings, source: str, ds: str, *, accept_quarantine: bool = False) -> dict[str, Any]:
    """Map the delivery of `ds` and all earlier ones that are not in the lake yet; returns the report's fragment.

    Args:
        accept_quarantine: publish a day although more of it could not be mapped or understood than the mapping allows.

    Raises:
        MappingError, RawDataError, LakeError, BusyError: as their classes say; nothing is published then.
    """
    spec, keys = load_spec(source), pseudonym_keys(settings)
    tombstones = Tombstones.of(settings.home).by_generation(len(keys))
    lake = Lake(settings.home.lake)
    job = f"map-{source}"
    with lake.step(job), Report(settings.home.reports, ds).timed("map", part=source) as fragment:
        remember(lake.root, keys)
        deliveries = deliveries_to_map(settings.raw, lake, spec, ds)
        say(f"map {source}: {_span(deliveries)}")
        counts = []
        if deliveries:
            session = start_session(settings, job, raw_bytes=sum(one.unpacked_bytes for one in deliveries))
            try:
                with mapping_errors(spec), raw_scratch(lake, job) as scratch:
                    result = mapped(session, spec, deliveries, keys, tombstones, scratch)
                    if not accept_quarantine:
                        check_limits(spec, deliveries, result)
                    _publish(session, spec, deliveries, lake, result)
                counts = result.counts
            finally:
                session.catalog.clearCache()
        entry = entry_of(counts)
        fragment["sources"] = {source: entry}
        say(
            f"map {source}: {entry['read']:,} rows read, {entry['mapped']:,} mapped, {entry['quarantined']:,} "
            f"quarantined, {sum(entry['dropped'].values()):,} dropped"
        )
    return fragment


def check_limits(spec: Spec, deliveries: Sequence[Delivery], result: Mapped) -> None:
    """Raise RawDataError when too large a share of a day could not be mapped, or was not understood."""
    for delivery in deliveries:
        check_share(spec, delivery.ds, result.counts, delivery.files)
        check_understood(spec, delivery.ds, result.uncast)


@contextmanager
def mapping_errors(spec: Spec) -> Iterator[None]:
    """Turn what Spark says of a mapping's expressions into a sentence about the mapping, without a row's values.

    Raises:
        MappingError: in place of Spark's error.
    """
    try:
        yield
    except AnalysisException as error:
        raise MappingError(
            expected=f"expressions in {spec.source}.yml that Spark understands",
            received=str(error).partition("SQLSTATE")[0].strip(" ;."),
            remedy="correct the mapping; nothing was published",
        ) from error
    except VALUE_ERRORS as error:
        raise MappingError(
            expected=f"expressions in {spec.source}.yml that hold for every row",
            received=f"{condition_of(error)} for one",
            remedy="use try_cast and its like, or a quarantine rule; nothing was published",
        ) from None


@dataclass(frozen=True)
class Mapped:
    """What deliveries give to the lake, before anything is written."""

    tables: dict[Table, DataFrame | None]
    """Table -> its rows and `ds`, None where it has none; reconciliation last: it says that a day is mapped."""
    counts: list[Count]
    quarantined: int
    """Rows of the quarantine."""
    uncast: Mapping[tuple[str, str], tuple[int, int]]
    """(day, note) -> values that were not understood, values that were there."""


def mapped(
    session: SparkSession,
    spec: Spec,
    deliveries: Sequence[Delivery],
    keys: Sequence[bytes],
    tombstones: Mapping[int, Sequence[str]],
    scratch: Path,
) -> Mapped:
    """Map deliveries and keep their books.

    Args:
        scratch: a folder of `raw_scratch`, which has to be there while the tables are used.

    Raises:
        LakeError: the books do not add up.
    """
    counts = count_files(spec.source, deliveries)
    tables: dict[Table, DataFrame | None] = {writing.table: None for writing in spec.writings}
    aside = None
    uncast: Mapping[tuple[str, str], tuple[int, int]] = {}
    by_record = 0
    fit_to(session, sum(delivery.unpacked_bytes for delivery in deliveries))
    raw = read_raw(session, spec.read, deliveries, scratch)
    if raw is not None:
        raw = checkpoint(raw, scratch / "raw")
        functions = Functions(keys)
        records = records_of(spec, functions, erasing=bool(tombstones))
        marked = with_erased(raw, spec, keys, tombstones)
        decided = checkpoint(with_outcome(marked, spec, records, functions), scratch / "outcomes")
        rows = with_duplicates(decided, scratch)
        book = count_rows(raw, rows, spec, records, notes_of_let(spec, functions))
        counts += book.counts
        by_record, uncast = book.by_record, book.uncast
        found, broken, repeated = _settled(rows, spec, records, book)
        counts += repeated
        tables |= found
        aside = quarantine_rows(broken, spec, functions) if broken is not None else None
    files = [
        (spec.source, name, None, None, reason, None, one.ds) for one in deliveries for name, reason in one.set_aside
    ]
    if files:
        whole = local_rows(session, files, QUARANTINE)
        aside = aside.unionByName(whole) if aside is not None else whole
    tables[QUARANTINE] = aside
    counts = added_up(counts)
    for delivery in deliveries:
        check_sum(spec, delivery.ds, counts)
    book_rows = [(count.source, count.outcome, count.rule, count.rows, count.unit, count.ds) for count in counts]
    tables[RECONCILIATION] = local_rows(session, book_rows, RECONCILIATION)
    quarantined = sum(count.rows for count in counts if count.outcome == "quarantined" and count.unit != "file")
    return Mapped(tables, counts, quarantined - by_record, uncast)


def _settled(
    rows: DataFrame, spec: Spec, records: Sequence[Records], book: Books
) -> tuple[dict[Table, DataFrame], DataFrame | None, list[Count]]:
    """The rows of each table without repeated keys, everything to be quarantined, and the books of what is repeated.

    Only what the books say is there is looked for.
    """
    good = [one for number, one in enumerate(records) if number in book.mapped]
    found = {table: part for table in MAPPED_TABLES if (part := table_records(rows, good, table)) is not None}
    columns = ("raw_ds", "raw_file", "raw_text", "rule", "place")
    broken = [broken_records(rows, one) for number, one in enumerate(records) if number in book.broken]
    if book.by_row:
        whole = rows.where("outcome = 'quarantined' and not judged")
        broken.append(whole.withColumn("place", F.lit(None).cast("int")))
    counts = []
    repeated = repeated_keys(found)
    for table in [one for one in found if one.name in repeated]:
        part = with_repeats(found[table], table)
        counts += count_repeats(part, spec.source)
        broken.append(part.where(f"repeat != '{DUPLICATE}'").withColumnsRenamed({"ds": "raw_ds", "repeat": "rule"}))
        found[table] = part.where("repeat is null")
    refused = reduce(DataFrame.unionByName, [part.select(*columns) for part in broken]) if broken else None
    return {table: contract_rows(part, spec, table) for table, part in found.items()}, refused, counts


def _publish(session: SparkSession, spec: Spec, deliveries: Sequence[Delivery], lake: Lake, result: Mapped) -> None:
    """Write what was mapped, read it back, and publish it."""
    staging = lake.staging(f"map-{spec.source}")
    raw_bytes = {delivery.ds: delivery.bytes for delivery in deliveries}
    filled = {table: rows for table, rows in result.tables.items() if rows is not None}
    with ThreadPoolExecutor(WRITERS) as pool:
        write = inheritable_thread_target(session)(
            lambda table: stage(filled[table], table, staging / table.name, raw_bytes)
        )
        list(pool.map(write, filled))
    _audit(session, staging, result)
    for table in result.tables:
        publish(lake, table, staging / table.name, raw_bytes, owner=spec.source)
    shutil.rmtree(staging)


def local_rows(session: SparkSession, rows: list[tuple], table: Table) -> DataFrame:
    """Rows that the driver holds, with the columns of a contract and the day last."""
    names = [*table.column_names, "ds"]
    # as JSON and not by createDataFrame, which would start Python workers for a handful of rows
    text = json.dumps([dict(zip(names, row, strict=True)) for row in rows])
    return session.sql(f"select inline(from_json(:rows, 'array<struct<{table.ddl()}, ds DATE>>'))", {"rows": text})


def _audit(session: SparkSession, staging: Path, result: Mapped) -> None:
    """Read back what was written: every key once a day, and as many rows and quarantined rows as were counted.

    Raises:
        LakeError: it is not so; nothing has been published yet.
    """
    written = None
    for table in result.tables:
        if any((staging / table.name).glob("ds=*")):
            key = F.xxhash64(*table.key).alias("key")
            keys = session.read.parquet(str(staging / table.name)).select(F.lit(table.name).alias("table"), "ds", key)
            written = keys if written is None else written.unionByName(keys)
    by_key = written.groupBy("table", "ds", "key").agg(F.count(F.lit(1)).alias("times"))
    of_table = {
        row.table: row
        for row in by_key.groupBy("table")
        .agg(F.sum("times").alias("rows"), F.max(F.struct("times", "ds")).alias("most"))
        .collect()
    }
    mapped_records = sum(count.rows for count in result.counts if (count.unit, count.outcome) == ("record", "mapped"))
    mapped_rows = sum(of_table[table.name].rows for table in MAPPED_TABLES if table.name in of_table)
    quarantined = of_table[QUARANTINE.name].rows if QUARANTINE.name in of_table else 0
    for what, expected, found in (
        ("mapped", mapped_records, mapped_rows),
        ("quarantined", result.quarantined, quarantined),
    ):
        if found != expected:
            raise LakeError(
                expected=f"{expected} {what} records to be written",
                received=str(found),
                remedy="report this: they were lost between counting and writing; nothing was published",
            )
    for name, row in of_table.items():
        if row.most.times > 1 and name != QUARANTINE.name:
            raise LakeError(
                expected=f"every key of {name} once a day",
                received=f"{row.most.times} rows with one key ({', '.join(TABLES[name].key)}) on {row.most.ds}",
                remedy="report this: repeated keys are settled before anything is written; nothing was published",
            )


def _span(deliveries: list[Delivery]) -> str:
    days = [delivery.ds for delivery in deliveries]
    if not days:
        return "nothing new has landed"
    return days[0] if len(days) == 1 else f"{len(days)} days, {days[0]} to {days[-1]}"
