"""From which night a night of profiles goes on: the days whose summaries were made from what the lake holds now.

The summaries of a day (`contracts/tables/summaries.py`) follow from the events of that day and of all before it, and
from the models. `daily_inputs` says which these were. A day that was delivered again, or lost a person who asked to be
forgotten, has other inputs: its summaries and those of all later days are made again. A day that is gone because its
life span is over changes nothing.
"""

from __future__ import annotations

import datetime
import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import yaml

from contracts.lake import Lake
from contracts.settings import duckdb_config
from contracts.tables.mapped import EVENTS
from contracts.tables.summaries import ACTS_TO_DATE, DAILY_INPUTS, FOLDED_TABLES, SUMMARY_TABLES, TO_DATE_TABLES
from dbt_project.runner.command import PROJECT
from dbt_project.runner.parquet import quoted
from dbt_project.runner.warehouse import Warehouse, publish

DAYS_BEFORE_WEEKS = 28
"""The oldest week of responses looks back so many days (`acts_28_days`)."""

OLDER_DAYS = 14
"""Of so many days, each can be built again from summaries that no later night has folded."""

FOLDED_AT_ONCE = 28
"""So many days beyond that are folded into one."""

ADDED_UP_EVERY = 7
"""So many days after the newest sums of all days, they are made again."""

SUMS_KEPT = 2
"""The sums before the newest serve older days that are built again."""

_RULES = ("refused_by_contract", "session_silence_minutes", "house_currency", "most_euros")
"""Variables of dbt, beside those of dbt_project.yml, that say how a summary is made."""


@dataclass(frozen=True)
class Day:
    """One day of arrival in the summaries."""

    day: str
    partition: str
    """The day under which its summaries stand: its own, or the one into which it is folded."""
    inputs: str
    chain: str
    is_folded: bool
    """Whether its summaries no longer tell one day from another."""


@dataclass(frozen=True)
class KeptDays:
    """What a night goes on from, and what it has to read."""

    ds: str
    days: tuple[Day, ...]
    """Days that need not be read again, oldest first."""
    inputs: Mapping[str, str]
    """Day of arrival up to `ds` that has to be read -> its inputs."""
    fold_until: str
    """Summaries up to this day become one; empty where none do."""
    to_date_until: str
    """The last day of the newest sums of all days (`TO_DATE_TABLES`) that can be gone on from; empty where none can."""
    is_newest: bool
    """Whether no later day has summaries: an older day that is built again leaves them alone."""

    @property
    def until(self) -> str:
        """The last day that is not read again; empty where all are."""
        return self.days[-1].partition if self.days else ""

    def variables(self) -> dict[str, str]:
        return {"kept_until": self.until, "fold_until": self.fold_until, "to_date_until": self.to_date_until}

    @property
    def adds_up(self) -> bool:
        """Whether the sums of all days are due to be made again."""
        return self.is_newest and self.to_date_until <= _days_before(self.ds, ADDED_UP_EVERY)

    def __str__(self) -> str:
        read = f"{len(self.inputs)} days" if len(self.inputs) > 1 else self.ds
        folded = f", all days up to {self.fold_until} in one" if self.fold_until else ""
        return f"from the summaries up to {self.until} and {read}" if self.until else f"from all days: {read}{folded}"


def kept_days(lake: Lake, ds: str, code: str, *, full_refresh: bool = False) -> KeptDays:
    """The days before `ds` whose summaries fit what the lake holds now; none for a full refresh."""
    stored = _stored(lake)
    delivered = {day: _inputs(code, day, was) for day, was in lake.history(EVENTS.name, until=ds).items()}
    known = [day for day in stored if day.partition < ds]
    there = {*lake.days(EVENTS.name, until=ds), ds}
    days = () if full_refresh else _unchanged(known, there - {ds}, delivered, code, ds)
    until = days[-1].partition if days else ""
    inputs = {day: delivered.get(day, _inputs(code, day)) for day in sorted(there) if day > until}
    is_newest = all(day.partition <= ds for day in stored)
    fold_until = _fold_until(ds, days, inputs) if is_newest else ""
    sums = lake.days(ACTS_TO_DATE.name, until=until) if until else []
    to_date_until = max([day for day in sums if day > fold_until], default="")
    return KeptDays(ds, days, inputs, fold_until, to_date_until, is_newest)


def code_digest(variables: Mapping[str, Any], target: str) -> str:
    """Equal as long as the models, their variables, the contracts that they follow and the engine are the same."""
    total = hashlib.sha256(target.encode())
    files = [PROJECT / "dbt_project.yml", *PROJECT.glob("models/**/*.sql")]
    files += [*PROJECT.glob("macros/**/*.sql"), *PROJECT.glob("seeds/*.csv")]
    for file in sorted(files):
        total.update(f"{file.relative_to(PROJECT)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    total.update(json.dumps({name: variables[name] for name in _RULES}, sort_keys=True).encode())
    total.update(repr([(table.name, table.columns) for table in (*SUMMARY_TABLES, *TO_DATE_TABLES)]).encode())
    return total.hexdigest()


def publish_summaries(warehouse: Warehouse, lake: Lake, kept: KeptDays, staging: Path) -> None:
    """Publish the summaries of the days that were read, and say what they were made from.

    What says so goes first and comes last, so that the summaries of a run that is killed in between count as none.
    """
    if not kept.is_newest:
        return
    exported = warehouse.export_days((*SUMMARY_TABLES, *(TO_DATE_TABLES if kept.adds_up else ())), staging)

    def is_replaced(day: str, *, folds: bool) -> bool:
        return day > kept.until or (folds and day <= kept.fold_until)

    for day in lake.days(DAILY_INPUTS.name):
        if is_replaced(day, folds=True):
            lake.withdraw(DAILY_INPUTS.name, day)
    for table in SUMMARY_TABLES:
        files_of = exported[table.name]
        for day in lake.days(table.name):
            if is_replaced(day, folds=table in FOLDED_TABLES) and day not in files_of:
                lake.withdraw(table.name, day)
        for day, files in files_of.items():
            publish(lake, table.name, day, files)
    _publish_sums(lake, kept, exported)
    _publish_inputs(lake, kept, staging)


def _publish_sums(lake: Lake, kept: KeptDays, exported: Mapping[str, Mapping[str, list[Path]]]) -> None:
    """Publish the sums of all days, where they are due, and withdraw those that nothing goes on from any more.

    By the acts the next night knows that there are sums, so these are withdrawn first and published last.
    """
    for table in reversed(TO_DATE_TABLES):
        days = lake.days(table.name)
        valid = [day for day in days if day <= kept.until]
        stay = valid[1 - SUMS_KEPT :] if kept.adds_up else valid
        for day in days:
            if day not in stay:
                lake.withdraw(table.name, day)
    for table in TO_DATE_TABLES:
        for day, files in exported.get(table.name, {}).items():
            publish(lake, table.name, day, files)


def _publish_inputs(lake: Lake, kept: KeptDays, staging: Path) -> None:
    chain = kept.days[-1].chain if kept.days else ""
    days = list(kept.days)
    for day, inputs in sorted(kept.inputs.items()):
        chain = _chained(chain, inputs)
        days.append(Day(day, day, inputs, chain, is_folded=False))
    days = [
        replace(one, partition=kept.fold_until, is_folded=True) if one.day <= kept.fold_until else one for one in days
    ]
    changed = {day.partition for day in days if day.day > kept.until} | ({kept.fold_until} - {""})
    with duckdb.connect(config=duckdb_config()) as connection:
        for partition, rows in itertools.groupby(days, key=lambda day: day.partition):
            if partition in changed:
                file = staging / f"inputs-{partition}.parquet"
                values = ", ".join(
                    f"(date '{day.day}', '{day.inputs}', '{day.chain}', {day.is_folded})" for day in rows
                )
                columns = ", ".join(DAILY_INPUTS.column_names)
                query = f"select * from (values {values}) as days({columns})"
                connection.execute(f"copy ({query}) to '{quoted(file)}' (format parquet, compression zstd)")
                publish(lake, DAILY_INPUTS.name, partition, [file])


def _stored(lake: Lake) -> list[Day]:
    """What the summaries of the lake were made from, oldest day first."""
    if not lake.days(DAILY_INPUTS.name):
        return []
    files = f"{quoted(lake.root / DAILY_INPUTS.name)}/*/*.parquet"
    query = (
        "select cast(day as varchar), cast(ds as varchar), inputs, chain, is_folded "
        f"from read_parquet('{files}', hive_partitioning = true) order by day"
    )
    with duckdb.connect(config=duckdb_config()) as connection:
        return [Day(*row) for row in connection.execute(query).fetchall()]


def _unchanged(
    stored: Iterable[Day], there: Iterable[str], delivered: Mapping[str, str], code: str, ds: str
) -> tuple[Day, ...]:
    """The days until the first one that is new, that changed, or that was taken back.

    Args:
        there: days that can be read.
        delivered: inputs of these days, and of those whose life span has ended.
    """
    known = {day.day: day for day in stored}
    found: list[Day] = []
    for day in sorted({*known, *there}):
        one = known.get(day)
        if one is None or one.inputs != delivered.get(day, _inputs(code, day)):
            break
        if one.chain != _chained(found[-1].chain if found else "", one.inputs):
            break
        found.append(one)
    # of days that are folded together all are kept, or none
    broken = {day.partition for day in known.values() if day not in found}
    if any(day.is_folded and day.partition > _days_before(ds, _days_looked_back()) for day in found):
        return ()
    return tuple(day for day in found if day.partition not in broken)


def _fold_until(ds: str, days: Iterable[Day], inputs: Iterable[str]) -> str:
    """The day until which summaries are folded tonight; empty where too few are old enough."""
    last = _days_before(ds, _days_looked_back() + OLDER_DAYS)
    old = {day.partition for day in days if day.partition <= last} | {day for day in inputs if day <= last}
    return last if len(old) > (FOLDED_AT_ONCE if any(True for _ in days) else 0) else ""


def _days_looked_back() -> int:
    """So many days before the run's day, the days of acts still count one by one."""
    return 7 * yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]["response_weeks"] + DAYS_BEFORE_WEEKS


def _days_before(ds: str, days: int) -> str:
    return str(datetime.date.fromisoformat(ds) - datetime.timedelta(days=days))


def _inputs(code: str, day: str, was: str = "") -> str:
    """Hash of the models and of what was published of a day, which is nothing where no event arrived."""
    return hashlib.sha256(f"{code} {day} {was}".encode()).hexdigest()


def _chained(chain: str, inputs: str) -> str:
    return hashlib.sha256(f"{chain} {inputs}".encode()).hexdigest()
