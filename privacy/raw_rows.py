"""Who the landed deliveries name, and where one person is named in them, as the mappings read them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from contracts.errors import RawDataError
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.raw import CONTACTS, landed_days, landed_sources
from contracts.settings import Settings
from lake_tables.contacts import COLUMNS
from privacy.contacts import contact_rows, contact_values
from spark_jobs.mapping.deliveries import Delivery, look_at
from spark_jobs.mapping.identifiers import belongs_to, with_identifiers
from spark_jobs.mapping.readers.formats import raw_scratch, read_raw
from spark_jobs.mapping.spec import Spec, known_sources, load_spec
from spark_jobs.spark_errors import without_values


@dataclass
class RawRows:
    """Where one person is named in raw."""

    values: dict[str, str] = field(default_factory=dict)
    """Raw value -> its kind."""
    texts: dict[tuple[str, str, str], set[str]] = field(default_factory=dict)
    """(source, day, file) -> rows of theirs, as the readers give them."""
    keys: dict[tuple[str, str, str], set[str]] = field(default_factory=dict)
    """The same for separated values: the keys of rows of theirs."""
    posted: set[tuple[str, str, str]] = field(default_factory=set)
    """(source, day, path): photos and sounds that came with rows of theirs."""
    days: set[str] = field(default_factory=set)


@without_values()
def raw_values(session: SparkSession, settings: Settings) -> dict[str, str]:
    """Every value that a mapping turns into a pseudonym -> its kind."""
    values = contact_values(settings)
    for spec, raw in _landed(session, settings):
        named = with_identifiers(raw, spec, "raw", ())
        names = named.select(F.explode("raw_all").alias("name")).where("name is not null").distinct()
        for (name,) in names.toLocalIterator():
            kind, _, value = name.partition(":")
            values[value] = kind
    return values


@without_values()
def rows_of(session: SparkSession, settings: Settings, identifiers: Collection[str]) -> RawRows:
    """The rows that name one of the identifiers, which are under all keys of the settings."""
    found = RawRows()
    if not identifiers:
        return found

    def is_theirs(identifier: Column) -> Column:
        return F.coalesce(identifier.isin(sorted(identifiers)), F.lit(False))

    for spec, raw in _landed(session, settings):
        rows = with_identifiers(with_identifiers(raw, spec, "raw", ()), spec, "now", pseudonym_keys(settings))
        rows = rows.where(F.exists("now_all", is_theirs)).select(
            F.col("raw_ds").cast("string").alias("ds"),
            *("raw_file", "raw_text", "now_files"),
            F.col("raw_key") if "raw_key" in raw.columns else F.lit(None).cast("string").alias("raw_key"),
            belongs_to("now", is_theirs).alias("theirs"),
            F.filter("raw_all", lambda _, place: is_theirs(F.col("now_all")[place])).alias("values"),
        )
        for row in rows.toLocalIterator():
            place = (spec.source, row.ds, row.raw_file)
            found.days.add(row.ds)
            for name in row["values"]:
                kind, _, value = name.partition(":")
                found.values[value] = kind
            if row.theirs:
                found.texts.setdefault(place, set()).add(row.raw_text)
                found.posted |= {(spec.source, row.ds, path) for path in row.now_files}
                if row.raw_key is not None:
                    found.keys.setdefault(place, set()).add(row.raw_key)
    for ds, file, rows, lines in contact_rows(settings, identifiers):
        found.days.add(ds)
        found.values |= {value: kind for row in rows for kind, value in zip(COLUMNS, row, strict=True) if value}
        found.texts.setdefault((CONTACTS, ds, file.name), set()).update(lines)
    return found


def _landed(session: SparkSession, settings: Settings) -> Iterator[tuple[Spec, DataFrame]]:
    """All landed rows of each source that has a mapping."""
    for source in sorted({*landed_sources(settings.raw)} & {*known_sources()}):
        spec = load_spec(source)
        deliveries = [one for day in landed_days(settings.raw, source) if (one := _readable(settings, spec, day))]
        with raw_scratch(Lake(settings.home.lake), f"privacy-{os.getpid()}") as scratch:
            raw = read_raw(session, spec.read, deliveries, scratch)
            if raw is not None:
                yield spec, raw.where("raw_dropped is null")  # titles and blank lines name nobody


def _readable(settings: Settings, spec: Spec, ds: str) -> Delivery | None:
    try:
        return look_at(settings.raw, spec, ds)
    except RawDataError:  # nothing in it to read
        return None
