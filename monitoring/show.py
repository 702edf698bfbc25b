"""Show what the nights have measured of one thing that an alarm is about, night by night.

    python -m monitoring.show --ds 2026-11-20 --subject 'apache_combined: events.value'

Each line is a night: the figure beside what was expected, and of histograms the index by which it was compared.
"""

from __future__ import annotations

from typing import Any

import duckdb

from contracts.arguments import day_parser
from contracts.entry_point import exit_with_sentence
from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.report import say
from contracts.settings import Settings, duckdb_config
from contracts.tables.watched import DRIFT
from monitoring.watching.history import History, Key, window

SHOWN_BINS = 6
"""The largest ones of a histogram."""


def main() -> None:
    parser = day_parser("monitoring.show", __doc__)
    parser.add_argument("--subject", required=True, metavar="SUBJECT", help="as the alarm names it")
    chosen = parser.parse_args()
    exit_with_sentence(lambda: show(chosen.ds, chosen.subject))


def show(ds: str, subject: str) -> None:
    """Print the nights of one subject, oldest first.

    Raises:
        LakeError: nothing was measured of it up to that night.
    """
    subject = subject.partition(" = ")[0]
    lake = Lake(Settings.from_env().home.lake)
    days = [*window(ds), ds]
    with duckdb.connect(config=duckdb_config()) as connection:
        history = History.read(connection, lake, days)
        keys = [key for key in sorted(history.figures) if key.subject == subject]
        if not keys:
            raise LakeError(
                expected=f"figures of {subject!r} in the six weeks until {ds}",
                received=f"figures of {len({key.subject for key in history.figures})} other subjects",
                remedy="name the subject as the table `alarms` does, or watch that night first",
            )
        for key in keys:
            psi = _indexes(connection, lake, key, days)
            say(f"show: {key.measure} of {subject}")
            for day, figure in sorted(history.figures[key].items()):
                mark = "  alarm" if figure["alarm"] else ""
                say(f"show: {day} {figure['rows']:>11,} rows  {_figure(figure)}{psi.get(day, '')}{mark}")


def _figure(figure: dict[str, Any]) -> str:
    if figure["names"] is None:
        return f"{figure['value']:.5g}"
    total = sum(figure["counts"]) or 1
    bins = sorted(zip(figure["names"], figure["counts"], strict=True), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{name} {count / total:.1%}" for name, count in bins[:SHOWN_BINS])


def _indexes(connection: duckdb.DuckDBPyConnection, lake: Lake, key: Key, days: list[str]) -> dict[str, str]:
    """By day the psi of a column against the nights before."""
    files = [str(file) for day in days for file in lake.files(DRIFT.name, day)]
    if key.measure not in ("values", "numbers") or not files:
        return {}
    rows = connection.execute(
        f"""
        select regexp_extract(filename, '/ds=([0-9-]+)/', 1), psi, "limit", compared_with
        from read_parquet({files!r}, filename = true, hive_partitioning = false)
        where table_name = $table and source = $source and column_name = $column
        """,
        {"table": key.table, "source": key.source, "column": key.column},
    ).fetchall()
    found: dict[str, str] = {}
    for day, psi, limit, compared_with in sorted(rows):
        found[day] = found.get(day, "") + f"  psi {psi:.3f} of {limit:.2f} against {compared_with}"
    return found


if __name__ == "__main__":
    main()
