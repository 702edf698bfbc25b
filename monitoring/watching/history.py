"""What earlier nights have kept of themselves: figures by what they are of, and which of them are a reference."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import duckdb
import numpy as np

from contracts.lake import Lake
from contracts.tables.watched import ALL_ROWS, BOOKS, SOURCE_HEALTH
from monitoring.watching.describing import Figure

WINDOW_DAYS = 42
"""Six weeks: each weekday six times, and what a night reads does not grow."""

ACCEPTED_AFTER = 7
"""So many nights in a row with the same alarm are the new normal: later nights are compared with them alone."""


class Key(NamedTuple):
    """What a figure is of."""

    table: str
    source: str
    column: str
    measure: str

    @property
    def subject(self) -> str:
        """As alarms name it."""
        if self.table == BOOKS:
            return self.source if self.column == ALL_ROWS else f"{self.source}: {self.column}"
        place = self.table if self.column == ALL_ROWS else f"{self.table}.{self.column}"
        return f"{self.source}: {place}"


def key_of(figure: Figure) -> Key:
    return Key(*(figure[name] for name in ("table_name", "source", "column_name", "measure")))


@dataclass
class History:
    """Figures of some days by what they are of, each by day."""

    figures: dict[Key, dict[str, Figure]]

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection, lake: Lake, days: Iterable[str]) -> History:
        """What the nights of these days have published."""
        history = cls(defaultdict(dict))
        files = {str(file): day for day in days for file in lake.files(SOURCE_HEALTH.name, day)}
        if files:
            names = ["table_name", "source", "column_name", "measure", "rows", "value", "names", "counts", "alarm"]
            rows = connection.execute(
                f"select {', '.join(names)}, filename from read_parquet({list(files)!r}, filename = true, "
                "hive_partitioning = false)"
            ).fetchall()
            history.add(dict(zip(names, row, strict=False), ds=files[row[-1]]) for row in rows)
        return history

    def add(self, figures: Iterable[Figure]) -> None:
        for figure in figures:
            self.figures[key_of(figure)][figure["ds"]] = figure

    def days(self) -> set[tuple[str, str]]:
        """Day and source of every delivery that is described."""
        return {
            (day, key.source)
            for key, of_days in self.figures.items()
            if key.table == BOOKS and key.measure == "rows"
            for day in of_days
        }

    def words(self) -> Mapping[tuple[str, str, str], set[str]]:
        """The words that earlier nights have named, by table, source and column."""
        named: dict[tuple[str, str, str], set[str]] = defaultdict(set)
        for key, of_days in self.figures.items():
            if key.measure == "values":
                for figure in of_days.values():
                    named[key[:3]].update(figure["names"] or ())
        return named

    def reference(self, key: Key, ds: str) -> list[Figure]:
        """The figures of earlier days that a night is compared with, oldest first.

        Days that were an alarm are none, until the alarm has lasted `ACCEPTED_AFTER` nights: then those count, and
        nothing before them.
        """
        before = [figure for day, figure in sorted(self.figures.get(key, {}).items()) if day < ds]
        run, accepted = 0, None
        for place, figure in enumerate(before):
            run = run + 1 if figure.get("alarm") else 0
            if run >= ACCEPTED_AFTER:
                accepted = place - ACCEPTED_AFTER + 1, place
        if accepted is None:
            return [figure for figure in before if not figure.get("alarm")]
        first, last = accepted
        later = [figure for figure in before[last + 1 :] if not figure.get("alarm")]
        return [*before[first : last + 1], *later]


def weekdays(figures: Iterable[Figure]) -> np.ndarray:
    return np.array([datetime.date.fromisoformat(figure["ds"]).weekday() for figure in figures])


def window(ds: str) -> list[str]:
    """The days before a night that it is compared with, oldest first."""
    night = datetime.date.fromisoformat(ds)
    return [str(night - datetime.timedelta(days=age)) for age in range(WINDOW_DAYS, 0, -1)]
