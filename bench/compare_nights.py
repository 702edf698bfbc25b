"""Whether two nights over the same raw data gave the same: every partition of every table, and the report.

For a change that must not change what comes out. The second night needs the raw data, the key of the pseudonyms and
the secrets of the simulated town of the first, and nothing else of it:

    mkdir NEW_HOME && cp -a OLD_HOME/raw OLD_HOME/truth OLD_HOME/secrets NEW_HOME
    NIGHTSHIFT_HOME=NEW_HOME make nightly
    python -m bench.compare_nights OLD_HOME NEW_HOME --ds 2026-11-19

Equal are
- partitions of mapped and resolved tables and marts with the same bytes under the same names, or, where the bytes
  differ, with the same rows (in any order, columns in the same order and of the same types);
- tables and audiences that models wrote, if they have the same columns and as many rows: a training repeats only up
  to the noise of its sums;
- reports whose whole numbers, words and keys are the same, and whose other numbers differ by at most --tolerance
  (a share of the number where it is above 1). Seconds, memory, the sentences of reasons and off-policy estimates are
  not compared.

Prints a table of what was compared; ends with status 1 where something differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from contracts.arguments import day
from contracts.entry_point import exit_with_sentence
from contracts.errors import LakeError, RawDataError
from contracts.lake import Lake
from contracts.settings import Settings
from contracts.tables.marts import PROFILE_HISTORY
from contracts.tables.resolved import IDENTITY_EDGES_KNOWN
from contracts.tables.served import SERVED_TABLES
from contracts.tables.summaries import DAILY_INPUTS

OF_A_RUN = {(IDENTITY_EDGES_KNOWN.name, "inputs"), (DAILY_INPUTS.name, "inputs"), (DAILY_INPUTS.name, "chain")}
"""The columns that no two runs share: they hash the names of the run folders that resolving and profiles have read."""

NOT_COMPARED = ("seconds", "memory_gib", "peak_memory_gib", "reasons", "off_policy")
"""Keys of the report: how long it took, prose about numbers that are compared as numbers, and what turns on which item
a model ranks first, by whatever little."""

OF_MODELS = frozenset(table.name for table in SERVED_TABLES)

SAME_BYTES, SAME_ROWS, AS_MANY_ROWS = "same bytes", "same rows", "as many rows"


@dataclass(frozen=True)
class Compared:
    """What the comparison of one partition found."""

    table: str
    ds: str
    equal: bool
    how: str
    """The equality that was found, or what differs."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.compare_nights", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("old_home", type=Path, help="NIGHTSHIFT_HOME of the night before the change; only read")
    parser.add_argument("new_home", type=Path, help="NIGHTSHIFT_HOME of the night after it; only read")
    parser.add_argument("--ds", required=True, type=day, help="the night, YYYY-MM-DD")
    parser.add_argument("--tolerance", type=float, default=0.02, help="by how much metrics may differ, default 0.02")
    arguments = parser.parse_args()
    old, new = (Settings.from_env({"NIGHTSHIFT_HOME": str(home)}) for home in (arguments.old_home, arguments.new_home))
    require_same_start(old, new)
    partitions = [
        *compare_lakes(Lake(old.home.lake), Lake(new.home.lake), of_models=OF_MODELS),
        *compare_lakes(Lake(old.home.audiences), Lake(new.home.audiences), of_models=None),
        compare_history(old.home.warehouse, new.home.warehouse, arguments.ds),
    ]
    counts, differences = compare_reports(
        *(read_report(settings.home.reports, arguments.ds) for settings in (old, new)), tolerance=arguments.tolerance
    )
    show(partitions, counts, differences)
    sys.exit(0 if all(found.equal for found in partitions) and not differences else 1)


def require_same_start(old: Settings, new: Settings) -> None:
    """Two nights can be equal only if they started from the same deliveries and hash under the same keys.

    Raises:
        RawDataError: they did not.
    """
    for one, other in ((old.raw, new.raw), (old.pseudonym_key_file.parent, new.pseudonym_key_file.parent)):
        contents, other_contents = _contents(one), _contents(other)
        if not contents or contents != other_contents:
            names = sorted(contents.keys() | other_contents.keys())
            differing = [name for name in names if contents.get(name) != other_contents.get(name)]
            raise RawDataError(
                expected=f"the same files in {one} and {other}",
                received=f"{len(differing)} that differ, the first {differing[0]}"
                if differing
                else "no file in either",
                remedy=f"copy {one} to the new home before its night is run (see --help)",
            )


def _contents(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by its path in there."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def compare_lakes(old: Lake, new: Lake, *, of_models: frozenset[str] | None) -> Iterator[Compared]:
    """Every partition that stands in one of two lakes or in both.

    Args:
        of_models: the tables that models wrote; None: all of them.

    Raises:
        LakeError: the first lake holds no table.
    """
    tables = sorted({file.name for lake in (old, new) for file in lake.root.glob("[!.]*") if file.is_dir()})
    if not any(old.days(table) for table in tables):
        raise LakeError(
            expected=f"tables in {old.root}", received="none", remedy="name the home of a night that was run"
        )
    for table in tables:
        for ds in sorted({*old.days(table), *new.days(table)}):
            yield compare_partition(old, new, table, ds, of_models=of_models is None or table in of_models)


def compare_partition(old: Lake, new: Lake, table: str, ds: str, *, of_models: bool) -> Compared:
    """One partition of two lakes."""
    for lake, name in ((old, "old"), (new, "new")):
        if not lake.files(table, ds):
            return Compared(table, ds, equal=False, how=f"missing in the {name} home")
    if old.digest(table, ds) == new.digest(table, ds):
        return Compared(table, ds, equal=True, how=SAME_BYTES)
    with duckdb.connect() as connection:
        for lake, name in ((old, "old_rows"), (new, "new_rows")):
            files = [str(file) for file in lake.files(table, ds) if file.suffix == ".parquet"]
            rows = connection.read_parquet(files, hive_partitioning=False)
            kept = [f'"{column}"' for column in rows.columns if (table, column) not in OF_A_RUN]
            rows.select(", ".join(kept)).create_view(name)
        return _compare_rows(connection, table, ds, of_models=of_models)


def compare_history(old: Path, new: Path, ds: str) -> Compared:
    """The one mart that the warehouse keeps and the lake does not: the history of the profiles."""
    table = PROFILE_HISTORY.name
    with duckdb.connect() as connection:
        for warehouse, name in ((old, "old"), (new, "new")):
            if not warehouse.exists():
                return Compared(table, ds, equal=False, how=f"no warehouse in the {name} home")
            connection.execute(f"attach '{warehouse}' as {name} (read_only)")
            connection.execute(f"create view {name}_rows as select * from {name}.{table}")
        return _compare_rows(connection, table, ds, of_models=False)


def _compare_rows(connection: duckdb.DuckDBPyConnection, table: str, ds: str, *, of_models: bool) -> Compared:
    """The views `old_rows` and `new_rows` of a connection, as bags of rows."""
    columns = [connection.execute(f"describe {name}").fetchall() for name in ("old_rows", "new_rows")]
    if columns[0] != columns[1]:
        differing = sorted({column[0] for column in {*columns[0]} ^ {*columns[1]}}) or ["their order"]
        return Compared(table, ds, equal=False, how=f"other columns: {', '.join(differing)}")
    rows, new_rows, only_old, only_new = connection.execute("""
        select (select count(*) from old_rows),
               (select count(*) from new_rows),
               (select count(*) from (select * from old_rows except all select * from new_rows)),
               (select count(*) from (select * from new_rows except all select * from old_rows))
    """).fetchone()
    if only_old == only_new == 0:
        return Compared(table, ds, equal=True, how=SAME_ROWS)
    if of_models and rows == new_rows:
        return Compared(table, ds, equal=True, how=AS_MANY_ROWS)
    return Compared(
        table, ds, equal=False, how=f"{only_old} of {rows} rows only old, {only_new} of {new_rows} only new"
    )


def read_report(folder: Path, ds: str) -> dict[str, Any]:
    """The report of a night.

    Raises:
        LakeError: there is none.
    """
    file = folder / f"nightly-{ds}.json"
    if not file.exists():
        raise LakeError(
            expected=f"the report {file}", received="no such file", remedy="run `make nightly` for that day first"
        )
    return json.loads(file.read_text())


def compare_reports(old: dict[str, Any], new: dict[str, Any], *, tolerance: float) -> tuple[int, list[str]]:
    """How many values of two reports were compared, and a line for each that differs."""
    left, right = dict(_leaves(old)), dict(_leaves(new))
    differences = [
        f"{path}: {left.get(path, 'missing')} -> {right.get(path, 'missing')}"
        for path in sorted(left.keys() | right.keys())
        if path not in left or path not in right or not _equal(left[path], right[path], tolerance)
    ]
    return len(left.keys() | right.keys()), differences


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            if key not in NOT_COMPARED:
                yield from _leaves(inner, f"{path}/{key}")
    elif isinstance(value, list) and value:
        for place, inner in enumerate(value):
            yield from _leaves(inner, f"{path}/{place}")
    else:
        yield path, value


def _equal(old: Any, new: Any, tolerance: float) -> bool:
    """Fractions within the tolerance; whole numbers, words and what is neither exactly."""
    if isinstance(old, float) and isinstance(new, float):
        return math.isclose(old, new, rel_tol=tolerance, abs_tol=tolerance)
    return type(old) is type(new) and old == new


def show(partitions: list[Compared], values: int, differences: list[str]) -> None:
    """Print a line for each table, then every partition and value that differs, then the verdict."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    shown = Table("table", "partitions", SAME_BYTES, SAME_ROWS, AS_MANY_ROWS, "different")
    for table in dict.fromkeys(found.table for found in partitions):
        of_table = [found for found in partitions if found.table == table]
        numbers = [sum(found.how == how for found in of_table) for how in (SAME_BYTES, SAME_ROWS, AS_MANY_ROWS)]
        different = sum(not found.equal for found in of_table)
        shown.add_row(table, *(str(number or "") for number in (len(of_table), *numbers, different)))
    shown.add_row("report (values)", str(values), "", "", "", str(len(differences) or ""))
    console.print(shown)
    for found in partitions:
        if not found.equal:
            console.print(f"different: {found.table} ds={found.ds}: {found.how}")
    for difference in differences:
        console.print(f"different: report {difference}")
    equal = all(found.equal for found in partitions) and not differences
    console.print("the nights are equal" if equal else "the nights are not equal")


if __name__ == "__main__":
    exit_with_sentence(main)
