"""`main.py try`: a mapping on one file, without a night; nothing is written and no key is used."""

from __future__ import annotations

import datetime
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from contracts.errors import MappingError, RawDataError
from contracts.settings import Settings
from contracts.tables.mapped import QUARANTINE, RECONCILIATION, UNITS
from spark_jobs.mapping.deliveries import look_at
from spark_jobs.mapping.job import Mapped, mapped, mapping_errors
from spark_jobs.mapping.reconciliation import Count, check_share, check_understood
from spark_jobs.mapping.spec import load_spec
from spark_jobs.session import start_session

WIDTH = 36
"""Characters of a value that are shown."""


def try_mapping(settings: Settings, source: str, file: Path, *, ds: str | None, rows: int) -> None:
    """Map one file and print the first rows of each table, the books, and what was not understood.

    Identifiers are hashed under a key that is made for this run and forgotten, so no pseudonym is one of the lake's.

    Args:
        ds: the day on which the file is taken to have been delivered; by default that of its folder `ds=...`, or today.
        rows: how many rows of each table to show.

    Raises:
        MappingError, RawDataError, LakeError: as for `map`, but a day that `map` would refuse for its share of
            quarantine is shown, with that sentence at the end.
    """
    spec = load_spec(source)
    if not file.is_file():
        raise RawDataError(expected="a file", received=str(file), remedy="name a file of the source")
    if not file.match(spec.read.files):
        raise MappingError(
            expected=f"a file named {spec.read.files} (read.files of {source}.yml)",
            received=file.name,
            remedy="rename the file, or change read.files: a night would not read it",
        )
    folder = file.resolve().parent.name
    ds = ds or (folder.removeprefix("ds=") if folder.startswith("ds=") else datetime.date.today().isoformat())
    with tempfile.TemporaryDirectory(prefix="nightshift-try-") as raw:
        day = Path(raw) / source / f"ds={ds}"
        day.mkdir(parents=True)
        (day / file.name).symlink_to(file.resolve())
        session = start_session(settings, f"try-{source}")
        with mapping_errors(spec):
            delivery = look_at(Path(raw), spec, ds)
            result = mapped(session, spec, [delivery], [secrets.token_bytes(32)], {}, Path(raw) / "scratch")
            _show(result, rows)
    check_share(spec, ds, result.counts)
    check_understood(spec, ds, result.uncast)


def _show(result: Mapped, rows: int) -> None:
    for table, part in result.tables.items():
        if table in (QUARANTINE, RECONCILIATION):
            continue
        print(f"\n{table.name}: the first {rows} rows, without the columns that this mapping does not give")
        _given(part).limit(rows).show(rows, truncate=WIDTH)
    if QUARANTINE in result.tables:
        refused = result.tables[QUARANTINE].select("reason", "record", "raw").limit(rows)
        if not refused.isEmpty():
            print(f"\nquarantine: the first {rows}, as their shapes (letters as *, digits as #)")
            refused.show(rows, truncate=3 * WIDTH)
    print("\nbooks")
    for unit in UNITS:
        print(f"  {unit + 's:':9}{_sums(result.counts, unit)}")
    notes = [count for count in result.counts if count.outcome == "noted"]
    print("\nnoted" if notes else "\nnothing was noted")
    for count in sorted(notes, key=lambda one: (-one.rows, one.rule)):
        there = result.uncast.get((count.ds, count.rule))
        print(f"  {count.rule}: {count.rows:,}" + (f" of {there[1]:,} that were there" if there else ""))


def _given(part: DataFrame) -> DataFrame:
    """The columns that hold anything."""
    filled = part.select(*(F.count(name).alias(name) for name in part.columns)).first()
    return part.select(*(name for name in part.columns if filled[name] and name != "source"))


def _sums(counts: Iterable[Count], unit: str) -> str:
    """`read 10 = mapped 8 + quarantined 1 (malformed) + dropped 1 (bot)`."""
    of_unit = [count for count in counts if count.unit == unit and count.outcome != "noted"]
    parts = {name: [one for one in of_unit if one.outcome == name] for name in ("mapped", "quarantined", "dropped")}
    shown = []
    for name, found in parts.items():
        reasons = ", ".join(f"{one.rule} {one.rows:,}" for one in found if one.rule)
        shown.append(f"{name} {sum(one.rows for one in found):,}" + (f" ({reasons})" if reasons else ""))
    read = sum(one.rows for one in of_unit if one.outcome == "read")
    return f"read {read:,} = {' + '.join(shown)}"
