"""`main.py map`: one source's raw deliveries to the tables of the lake."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pyspark import StorageLevel
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from contracts.errors import LakeError, MappingError
from contracts.keys import pseudonym_keys, remember
from contracts.lake import Lake
from contracts.report import Report, say, source_entry
from contracts.schema import Table
from contracts.settings import Settings
from contracts.tables import TABLES
from contracts.tables.mapped import MAPPED_TABLES, QUARANTINE, RECONCILIATION
from contracts.tombstones import Tombstones
from spark_jobs.mapping.deliveries import Delivery, deliveries_to_map
from spark_jobs.mapping.identifiers import with_erased
from spark_jobs.mapping.outcomes import table_rows, with_outcome
from spark_jobs.mapping.quarantine import quarantined
from spark_jobs.mapping.readers.formats import read_raw
from spark_jobs.mapping.reconciliation import Count, added_up, check_share, check_sum, count_files, count_rows
from spark_jobs.mapping.spec import Spec, load_spec
from spark_jobs.pseudonyms import Functions
from spark_jobs.publishing import publish, stage
from spark_jobs.session import start_session
from spark_jobs.spark_errors import VALUE_ERRORS, condition_of

WRITERS = 3
"""Tables written at a time: while Spark plans the one, it writes the other."""


def map_source(settings: Settings, source: str, ds: str) -> dict[str, Any]:
    """Map the delivery of `ds` and all earlier ones that are not in the lake yet; returns the report's fragment.

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
            session = start_session(settings, job)
            try:
                counts = _map(session, spec, deliveries, lake, keys, tombstones)
            except AnalysisException as error:
                raise MappingError(
                    expected=f"expressions in {source}.yml that Spark understands",
                    received=str(error).partition("SQLSTATE")[0].strip(" ;."),
                    remedy="correct the mapping; nothing was published",
                ) from error
            except VALUE_ERRORS as error:
                raise MappingError(
                    expected=f"expressions in {source}.yml that hold for every row",
                    received=f"{condition_of(error)} for one",
                    remedy="use try_cast and its like, or a quarantine rule; nothing was published",
                ) from None
            finally:
                session.catalog.clearCache()
        entry = source_entry((count.outcome, count.rule, count.rows) for count in counts)
        fragment["sources"] = {source: entry}
        say(
            f"map {source}: {entry['read']:,} rows read, {entry['mapped']:,} mapped, {entry['quarantined']:,} "
            f"quarantined, {sum(entry['dropped'].values()):,} dropped"
        )
    return fragment


def _map(
    session: SparkSession,
    spec: Spec,
    deliveries: list[Delivery],
    lake: Lake,
    keys: Sequence[bytes],
    tombstones: Mapping[int, Sequence[str]],
) -> list[Count]:
    """Write, audit and publish what the deliveries give to every table; returns the books."""
    staging = lake.staging(f"map-{spec.source}")
    raw_bytes = {delivery.ds: delivery.bytes for delivery in deliveries}
    counts = count_files(spec.source, deliveries)
    tables: dict[Table, DataFrame] = {}
    raw = read_raw(session, spec.read, deliveries)
    if raw is not None:
        functions = Functions(keys)
        marked = with_erased(raw, spec, keys, tombstones)
        rows = with_outcome(marked, spec, functions).persist(StorageLevel.MEMORY_AND_DISK)
        counts = added_up([*counts, *count_rows(raw, rows, spec)])
        mapped = rows.where("outcome = 'mapped'")
        tables = {table: part for table in MAPPED_TABLES if (part := table_rows(mapped, spec, table)) is not None}
        tables[QUARANTINE] = quarantined(rows, spec, functions)
    for delivery in deliveries:
        check_sum(spec, delivery.ds, counts)
        check_share(spec, delivery.ds, counts)
    files = [(spec.source, name, None, None, reason, one.ds) for one in deliveries for name, reason in one.set_aside]
    if files:
        aside = _local(session, files, QUARANTINE)
        tables[QUARANTINE] = tables[QUARANTINE].unionByName(aside) if raw is not None else aside
    tables[RECONCILIATION] = _local(
        session, [(count.source, count.outcome, count.rule, count.rows, count.ds) for count in counts], RECONCILIATION
    )
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda table: stage(tables[table], table, staging / table.name, raw_bytes), tables))
    _audit(session, staging, list(tables), counts)
    for table in tables:  # reconciliation comes last: it is what says that a day is mapped
        publish(lake, table, staging / table.name, raw_bytes, owner=spec.source)
    return counts


def _local(session: SparkSession, rows: list[tuple], table: Table) -> DataFrame:
    """Rows that the driver holds, with the columns of a contract and the day last."""
    names = [*table.column_names, "ds"]
    # as JSON and not by createDataFrame, which would start Python workers for a handful of rows
    text = json.dumps([dict(zip(names, row, strict=True)) for row in rows])
    return session.sql(f"select inline(from_json(:rows, 'array<struct<{table.ddl()}, ds DATE>>'))", {"rows": text})


def _audit(session: SparkSession, staging: Path, tables: list[Table], counts: list[Count]) -> None:
    """Read back what was written: every key once a day, and as many quarantined rows as were counted.

    Raises:
        LakeError: it is not so; nothing has been published yet.
    """
    written = None
    for table in tables:
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
    expected = sum(count.rows for count in counts if count.outcome == "quarantined")
    found = of_table[QUARANTINE.name].rows if QUARANTINE.name in of_table else 0
    if found != expected:
        raise LakeError(
            expected=f"{expected} quarantined rows to be written",
            received=str(found),
            remedy="report this: rows were lost between counting and writing; nothing was published",
        )
    for name, row in of_table.items():
        if row.most.times > 1 and name != QUARANTINE.name:
            raise LakeError(
                expected=f"every key of {name} once a day",
                received=f"{row.most.times} rows with one key ({', '.join(TABLES[name].key)}) on {row.most.ds}",
                remedy="make the id expression in the mapping unique; nothing was published",
            )


def _span(deliveries: list[Delivery]) -> str:
    days = [delivery.ds for delivery in deliveries]
    if not days:
        return "nothing new has landed"
    return days[0] if len(days) == 1 else f"{len(days)} days, {days[0]} to {days[-1]}"
