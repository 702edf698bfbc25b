"""A night as it is watched: described, compared with the nights before it, and what of that is an alarm."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import duckdb

from contracts.lake import Lake
from contracts.settings import Settings, duckdb_config
from contracts.tables.mapped import RECONCILIATION
from contracts.tables.watched import ALARMS, BOOKS
from contracts.verdicts import champions_now
from monitoring.watching.columns import OWN_TABLES, SOURCE_TABLES
from monitoring.watching.describing import Describer, Figure
from monitoring.watching.drift import against_earlier, against_training
from monitoring.watching.finding import Finding
from monitoring.watching.history import History, Key, key_of, window
from monitoring.watching.quality import quality
from monitoring.watching.sources import deliveries, shares, volumes, words

_ORDER = ("missing", "schema", "volume", "nulls", "new_category", "vanished_category", "late", "books")
"""What a feed did comes before what followed from it."""


@dataclass(frozen=True)
class Watched:
    """Everything of one night, and figures of earlier days that no night has described."""

    figures: list[Figure]
    """Rows of `source_health` of the night, with its `ds`."""
    earlier: dict[str, list[Figure]]
    """By day, those of days that were mapped and not described: before the first night, or as they came late."""
    drift: list[dict[str, Any]]
    alarms: list[dict[str, Any]]

    @property
    def fallen(self) -> dict[str, str]:
        """By model what is said of a champion that is worth less than when it was promoted."""
        return {row["subject"].partition(":")[0]: row["says"] for row in self.alarms if row["alarm"] == "quality"}


def watch_night(settings: Settings, lake: Lake, ds: str) -> Watched:
    """Describe and judge a night; nothing is written."""
    with duckdb.connect(config=duckdb_config()) as connection:
        connection.execute("set TimeZone = 'UTC'")
        days = window(ds)
        history = History.read(connection, lake, days)
        describer = Describer(connection, lake, settings.smallest_group, history.words())
        earlier = _earlier(describer, history, lake, days)
        for figures in earlier.values():
            history.add(figures)
        describer = Describer(connection, lake, settings.smallest_group, history.words())
        tonight = list(_tonight(describer, ds))
        history.add(tonight)
        look = _look_at(ds)
        findings = list(deliveries(history, ds))
        findings += [*volumes(history, ds, look), *shares(history, ds, look), *words(history, ds, look)]
        distances = [*against_earlier(history, ds, look), *against_training(history, ds, look)]
        findings += [distance.finding for distance in distances if distance.finding is not None]
        findings += quality(connection, lake, champions_now(settings.home.ledger), ds)
        return Watched(
            figures=[of_days[ds] for _, of_days in sorted(history.figures.items()) if ds in of_days],
            earlier=earlier,
            drift=[distance.row for distance in distances],
            alarms=_alarms(connection, lake, findings, ds),
        )


def _tonight(describer: Describer, ds: str) -> Iterable[Figure]:
    yield from describer.books([ds])
    for table in SOURCE_TABLES:
        yield from describer.table(table, [ds], of_sources=True)
    for table in OWN_TABLES:
        yield from describer.table(table, [ds], of_sources=False)


def _earlier(describer: Describer, history: History, lake: Lake, days: list[str]) -> dict[str, list[Figure]]:
    """Figures of deliveries of earlier days that no night has described yet, by day."""
    published = set(lake.days(RECONCILIATION.name))
    mapped = [day for day in days if day in published]
    known = history.days()
    books = [figure for figure in describer.books(mapped) if (figure["ds"], figure["source"]) not in known]
    missing = {(figure["ds"], figure["source"]) for figure in books}
    to_do = sorted({day for day, _ in missing})
    found: dict[str, list[Figure]] = defaultdict(list)
    for figure in books:
        found[figure["ds"]].append(figure)
    for table in SOURCE_TABLES:
        for figure in describer.table(table, to_do, of_sources=True):
            if (figure["ds"], figure["source"]) in missing:
                found[figure["ds"]].append(figure)
    for day, figures in found.items():  # what the day's own night has said of it stays
        new = {key_of(figure) for figure in figures}
        figures += [of[day] for key, of in history.figures.items() if day in of and key not in new]
    return dict(found)


def _look_at(ds: str) -> Callable[[Key], str]:
    def look(key: Key) -> str:
        shown = f"python -m monitoring.show --ds {ds} --subject '{key.subject}'"
        if key.table == BOOKS and key.column.startswith("quarantined"):
            return f"python -m spark_jobs.main quarantined --source {key.source} --ds {ds}; {shown}"
        return shown

    return look


def _alarms(
    connection: duckdb.DuckDBPyConnection, lake: Lake, findings: list[Finding], ds: str
) -> list[dict[str, Any]]:
    """Rows of `alarms`: what a feed did first; one that the night before had goes on since then."""
    since: dict[tuple[str, str], datetime.date] = {}
    before = [day for day in lake.days(ALARMS.name) if day < ds]
    if before and (files := [str(file) for file in lake.files(ALARMS.name, before[-1])]):
        rows = connection.execute(f"select alarm, subject, since from read_parquet({files!r})").fetchall()
        since = {(alarm, subject): first for alarm, subject, first in rows}
    night = datetime.date.fromisoformat(ds)
    findings.sort(key=lambda one: (_ORDER.index(one.alarm) if one.alarm in _ORDER else len(_ORDER), one.subject))
    rows = {}
    for one in findings:
        first = since.get((one.alarm, one.subject), night)
        rows[one.alarm, one.subject] = {
            "alarm": one.alarm,
            "subject": one.subject,
            "since": first,
            "value": one.value,
            "expected_low": one.expected_low,
            "expected_high": one.expected_high,
            "says": f"{one.words}; since {first}" if first < night else one.words,
            "look": one.look,
        }
    return list(rows.values())
