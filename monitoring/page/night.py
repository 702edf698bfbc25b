"""What a page is made of: the reports of the nights up to one, and tables of the lake."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb

from contracts.lake import Lake
from contracts.report import Report
from contracts.settings import Settings, duckdb_config

NIGHTS = 60
"""Most that a chart shows, the latest."""

STEPS = {
    "map": "raw deliveries are mapped",
    "resolve": "identifiers become people",
    "profile": "profiles are built",
    "score": "people are scored",
    "plan": "messages are planned",
    "activate": "audiences are made",
}
"""Steps that every night has, in their order, and what they do."""


@dataclass(frozen=True)
class Night:
    """One night, and the nights before it."""

    settings: Settings
    ds: str
    failure: str = ""
    """The sentence with which the night ended, where it failed and whoever asks for the page knows why."""

    @cached_property
    def lake(self) -> Lake:
        return Lake(self.settings.home.lake)

    @cached_property
    def report(self) -> dict[str, Any]:
        """What the night's steps have reported so far; where their parts are gone, the report that was made of them."""
        report = Report(self.settings.home.reports, self.ds)
        merged = report.merged()
        return merged if len(merged) > 2 or merged["seconds"] else self._reports.get(self.ds, merged)

    @cached_property
    def before(self) -> dict[str, Any]:
        """The report of the night before; empty where there is none."""
        earlier = [day for day in self._reports if day < self.ds]
        return self._reports[earlier[-1]] if earlier else {}

    @cached_property
    def reports(self) -> dict[str, dict[str, Any]]:
        """Day -> report of the latest nights, oldest first, with this one."""
        return {day: report for day, report in self._reports.items() if day < self.ds} | {self.ds: self.report}

    @cached_property
    def _reports(self) -> dict[str, dict[str, Any]]:
        files = sorted(self.settings.home.reports.glob("nightly-*.json"))
        days = {file.stem.removeprefix("nightly-"): file for file in files}
        found = {}
        for day in sorted(day for day in days if day <= self.ds)[-NIGHTS:]:
            try:
                found[day] = json.loads(days[day].read_text())
            except ValueError:  # cut off by a full disk; the others are whole
                continue
        return found

    @property
    def missing_steps(self) -> list[str]:
        """Steps of every night that have not succeeded."""
        return [step for step in STEPS if step not in self.report.get("seconds", {})]

    @property
    def smallest(self) -> int:
        """Fewest people of a group that is shown."""
        return self.settings.smallest_group

    @property
    def day(self) -> datetime.date:
        return datetime.date.fromisoformat(self.ds)

    def days(self, table: str) -> list[str]:
        """The latest days of a table up to this night, oldest first."""
        return self.lake.days(table, until=self.ds)[-NIGHTS:]

    def has(self, table: str) -> bool:
        """Whether this night has published the table."""
        return bool(self.lake.files(table, self.ds))

    def rows(self, query: str, days: list[str] | None = None, **tables: str) -> list[dict[str, Any]]:
        """What a query finds in tables of the lake, as dictionaries.

        Args:
            query: SQL; a table is named as one of `tables` is, and has its day in `ds`, a text.
            days: of which the rows are; by default this night.
            tables: name in the query -> table of the lake. A table without files must not be asked for.
        """
        for name, table in tables.items():
            files = [str(file) for day in days or [self.ds] for file in self.lake.files(table, day)]
            listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
            options = "union_by_name = true, hive_partitioning = true, hive_types_autocast = false"
            self._connection.execute(
                f"create or replace view {name} as select * from read_parquet([{listed}], {options})"
            )
        found = self._connection.execute(query)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(config=duckdb_config())


def figure(report: Mapping[str, Any], name: str) -> float | None:
    """A number of a report; None where it has none of that name."""
    value = report.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
