"""Watch a night: is what arrived, what was made of it and what it is worth as on the nights before?

source_health  every source and table: rows, missing values, late rows, rules of the books, and histograms, each with
               what earlier nights let expect
drift          every column against earlier nights, and features as scored against those learned from
alarms         what somebody should look at: what, since when, where

Runs last, after the audiences are made, and changes nothing of them. Later nights compare themselves with these tables
and so read no history. The first night describes the days before it that were mapped; until there are seven, nothing is
called unusual. A champion that is worth less than when it was promoted asks for a training, where
NIGHTSHIFT_RETRAIN_MINUTES says so.

    python -m monitoring.watch --ds 2026-11-20
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.arguments import day_parser
from contracts.entry_point import exit_with_sentence
from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.retrainings import Retrainings
from contracts.schema import Table
from contracts.settings import Settings
from contracts.tables.mapped import RECONCILIATION
from contracts.tables.watched import ALARMS, DRIFT, SOURCE_HEALTH
from lake_tables.arrow import arrow_schema
from monitoring.watching.night import Watched, watch_night

MOST_MOVED = 10
"""Columns that the report names, those that moved most."""


def main() -> None:
    chosen = day_parser("monitoring.watch", __doc__).parse_args()
    exit_with_sentence(lambda: watch(chosen.ds))


def watch(ds: str) -> Watched:
    """Publish `source_health`, `drift` and `alarms` of one day.

    Raises:
        LakeError: nothing was mapped by that day.
        BusyError: another run is watching.
    """
    settings = Settings.from_env()
    lake = Lake(settings.home.lake)
    with lake.step("watch"), Report(settings.home.reports, ds).timed("watch") as fragment:
        if not lake.days(RECONCILIATION.name, until=ds):
            raise LakeError(
                expected=f"mapped deliveries of {ds} or before in {settings.home.lake}",
                received="none",
                remedy="run a night first (make nightly)",
            )
        watched = watch_night(settings, lake, ds)
        for day, figures in watched.earlier.items():
            _publish(lake, SOURCE_HEALTH, day, figures)
        _publish(lake, SOURCE_HEALTH, ds, watched.figures)
        _publish(lake, DRIFT, ds, watched.drift)
        _publish(lake, ALARMS, ds, watched.alarms)
        fragment |= {"drift": _drift_report(watched), "alarms": [_plain(row) for row in watched.alarms]}
        _say(ds, watched)
        if settings.retrain_minutes:
            _ask_for_trainings(settings, ds, watched.fallen)
    return watched


def _say(ds: str, watched: Watched) -> None:
    judged = sum(row["chance"] is not None for row in watched.drift)
    earlier = f"; {len(watched.earlier)} days before described" if watched.earlier else ""
    alarms = f"{len(watched.alarms) or 'no'} alarm{'' if len(watched.alarms) == 1 else 's'}"
    say(f"watch {ds}: {len(watched.figures):,} figures, {judged:,} distributions compared, {alarms}{earlier}")
    for row in watched.alarms:
        say(f"watch: {row['alarm']}: {row['says']}")


def _ask_for_trainings(settings: Settings, ds: str, fallen: Mapping[str, str]) -> None:
    retrainings = Retrainings(settings.home.retrainings)
    for model, reason in fallen.items():
        if retrainings.ask(model, ds, reason=reason, rest_days=settings.retrain_rest_days):
            say(f"watch: {model} is to be tuned and trained again")
        else:
            say(f"watch: {model} was trained for this already, and rests for {settings.retrain_rest_days} days")


def _drift_report(watched: Watched) -> dict[str, Any]:
    """Columns that moved most beyond what is usual for them, and how many were compared."""
    judged = [row for row in watched.drift if row["chance"] is not None]
    judged.sort(key=lambda row: (not row["alarm"], row["chance"], -row["psi"]))
    moved = {
        f"{row['source']}: {row['table_name']}.{row['column_name']}, {row['compared_with']}": {
            name: round(row[name], 4) for name in ("psi", "jensen_shannon", "usual", "limit", "chance")
        }
        | {"alarm": row["alarm"]}
        for row in judged[:MOST_MOVED]
    }
    return {"compared": len(judged), "too_early": len(watched.drift) - len(judged), "most": moved}


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, datetime.date) else value for name, value in row.items()}


def _publish(lake: Lake, table: Table, ds: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """A night without an alarm publishes that, too: no row."""
    optional = dict.fromkeys(table.column_names) | ({"alarm": False} if table is SOURCE_HEALTH else {})
    complete = [optional | {name: value for name, value in row.items() if name in optional} for row in rows]
    file = lake.staging("watch") / f"{table.name}.parquet"
    pq.write_table(pa.Table.from_pylist(complete, schema=arrow_schema(table)), file)
    lake.publish(table.name, ds, {file.name: file})


if __name__ == "__main__":
    main()
