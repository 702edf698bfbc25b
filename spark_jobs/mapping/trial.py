"""`main.py try`: a mapping on one file, without a night; nothing is written and no key is used."""

from __future__ import annotations

import datetime
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

from contracts.errors import MappingError, RawDataError
from contracts.schema import Table
from contracts.settings import Settings
from contracts.tables.mapped import QUARANTINE, RECONCILIATION
from spark_jobs.mapping.deliveries import look_at
from spark_jobs.mapping.job import Mapped, check_limits, mapped, mapping_errors
from spark_jobs.mapping.reconciliation import entry_of
from spark_jobs.mapping.spec import Spec, load_spec
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
            _show(result, spec, rows)
    check_limits(spec, [delivery], result)


def _show(result: Mapped, spec: Spec, rows: int) -> None:
    for table, part in result.tables.items():
        if table in (QUARANTINE, RECONCILIATION):
            continue
        if part is None:
            print(f"\n{table.name}: no rows")
            continue
        print(f"\n{table.name}: the first {rows} rows, without the columns that this mapping does not give")
        _given(part, table, spec).limit(rows).show(rows, truncate=WIDTH)
    if (refused := result.tables[QUARANTINE]) is not None:
        print(f"\nquarantine: the first {rows}, as their shapes (letters as *, digits as #)")
        refused.select("reason", "record", "raw").limit(rows).show(rows, truncate=3 * WIDTH)
    print("\nbooks")
    entry = entry_of(result.counts)
    for name, sums in (("files", entry["files"]), ("rows", entry), ("records", entry["records"])):
        print(f"  {name + ':':9}{_written(sums)}")
    notes = [count for count in result.counts if count.outcome == "noted"]
    print("\nnoted" if notes else "\nnothing was noted")
    for count in sorted(notes, key=lambda one: (-one.rows, one.rule)):
        there = result.uncast.get((count.ds, count.rule))
        print(f"  {count.rule}: {count.rows:,}" + (f" of {there[1]:,} that were there" if there else ""))


def _given(part: DataFrame, table: Table, spec: Spec) -> DataFrame:
    """The columns that the mapping gives."""
    names = {name for writing in spec.writings if writing.table is table for name in writing.columns}
    if spec.sessions and table.name == "events":
        names.add("session_id")
    return part.select(*(name for name in part.columns if name in names))


def _written(sums: Mapping[str, Any]) -> str:
    """`read 10 = mapped 8 + quarantined 1 (malformed 1) + dropped 1 (bot 1)`."""
    dropped = sum(sums["dropped"].values())
    return (
        f"read {sums['read']:,} = mapped {sums['mapped']:,} + quarantined {sums['quarantined']:,}"
        f"{_by_rule(sums['quarantined_reasons'])} + dropped {dropped:,}{_by_rule(sums['dropped'])}"
    )


def _by_rule(rules: Mapping[str, int]) -> str:
    return f" ({', '.join(f'{rule} {rows:,}' for rule, rows in rules.items())})" if rules else ""
