"""Is watching quiet on steady nights, and does it name what changed?

A town of so many days is laid and mapped by Spark, its identifiers resolved once; every night after the first ten gets
marts and predictions (`bench/watched_marts.py`) and is watched. The last 30 nights are steady: weekends, a survey that
comes at odd intervals, new prices in the catalogue, people who come to be known. Every alarm on them is false.

Then changes are planted, each into a copy of the lake as it was on some of these nights, and that night is watched.
What has to be named is the thing itself, by its kind; what follows from it elsewhere is counted beside it.

    python -m bench.watch --seed 7
"""

from __future__ import annotations

import argparse
import datetime
import os
import shutil
import statistics
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from bench import result
from bench.steps import run_step
from bench.watched_marts import make_marts
from contracts.lake import Lake
from contracts.settings import Settings
from contracts.tables import TABLES
from monitoring.watch import watch

LAST_DAY = "2026-12-19"
DAYS = 60
STEADY_NIGHTS = 30
FIRST_NIGHT = 10
"""Marts begin with the tenth day: a shop that takes the pipeline into use has so much to begin with."""

SOURCES = ("catalogue", "qualtrics_csv", "mastodon", "apache_combined")
WEB = "apache_combined"
PLANTED_ON = ("2026-12-02", "2026-12-12", "2026-12-14")
"""A Wednesday, a Saturday and a Monday."""


@dataclass(frozen=True)
class Planted:
    """One change, and the alarm that has to name it."""

    alarms: frozenset[tuple[str, str]]
    """Kind and subject: any of them names it."""
    rows: Mapping[str, str]
    """Table -> SQL of its rows of the night, over `before`, the rows that came; a source's own rows alone."""
    source: str = WEB
    served: bool = False
    """Whether it is planted into tables that the night makes, after they are made."""


def _replaced(**columns: str) -> str:
    return f"select * replace ({', '.join(f'{sql} as {name}' for name, sql in columns.items())}) from before"


def _one(kind: str, subject: str) -> frozenset[tuple[str, str]]:
    return frozenset({(kind, subject)})


_ALL_OF_WEB = ("events", "consents", "identity_edges")

PLANTED: dict[str, Planted] = {
    "a source doubles": Planted(
        _one("volume", WEB),
        {
            **dict.fromkeys(_ALL_OF_WEB, "from before union all from before"),
            "reconciliation": _replaced(rows="rows * 2"),
        },
    ),
    "a source is missing": Planted(
        _one("missing", "mastodon"),
        dict.fromkeys(("events", "media", "identity_edges", "reconciliation"), "from before limit 0"),
        source="mastodon",
    ),
    "a column goes null": Planted(_one("nulls", f"{WEB}: events.device"), {"events": _replaced(device="null")}),
    "a new category": Planted(
        _one("new_category", f"{WEB}: events.device = other"),
        {"events": _replaced(device="case when hash(event_id) % 20 = 0 then 'other' else device end")},
    ),
    "a category vanishes": Planted(
        _one("vanished_category", f"{WEB}: events.device = tablet"),
        {"events": _replaced(device="case when device = 'tablet' then 'mobile' else device end")},
    ),
    "a taste moves": Planted(
        _one("drift", "nightshift: fct_interactions.category"),
        {
            "events": _replaced(
                item_id="case when hash(identifier) % 3 = 0 and item_id is not null then moved else item_id end"
            )
        },
    ),
    "prices times a hundred": Planted(
        _one("drift", f"{WEB}: events.value"),
        {"events": _replaced(value="case when action = 'purchase' then value * 100 else value end")},
    ),
    "predictions collapse": Planted(
        frozenset({("drift", "nightshift: responses.click_chance")}),
        {"responses": _replaced(click_chance="0.0412"), "scores": _replaced(item_id="'i-0001'")},
        source="",
        served=True,
    ),
    "a clock is a day late": Planted(
        _one("late", f"{WEB}: events.occurred_at"),
        {"events": _replaced(occurred_at="occurred_at - interval 1 day")},
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7, help="of the town")
    parser.add_argument("--people", type=int, default=2000)
    chosen = parser.parse_args()
    home = Settings.from_env().home.bench / f"watch-{chosen.seed}-{chosen.people}"
    _lay(home, chosen.seed, chosen.people)
    os.environ["NIGHTSHIFT_HOME"] = str(home)
    town = {"bench": "watch", "seed": chosen.seed, "people": chosen.people}
    result.write(town | _steady(home))
    for name, planted in PLANTED.items():
        result.write(town | {"planted": name} | _planted(home, planted))


def _nights() -> list[str]:
    last = datetime.date.fromisoformat(LAST_DAY)
    return [str(last - datetime.timedelta(days=age)) for age in range(DAYS - FIRST_NIGHT, -1, -1)]


def _lay(home: Path, seed: int, people: int) -> None:
    """Lay the town and map it, unless that was done."""
    lake = Lake(home / "lake")
    if LAST_DAY in lake.days("persons"):
        return
    town = ["--seed", str(seed), "--people", str(people), "--days", str(DAYS), "--last-day", LAST_DAY]
    run_step([sys.executable, "-m", "sample_data.town", *town], home, {"NIGHTSHIFT_RAW": ""})
    for source in SOURCES:
        command = [sys.executable, "-m", "spark_jobs.main", "map", "--source", source, "--ds", LAST_DAY]
        run_step(command, home, {"NIGHTSHIFT_RAW": ""})
    run_step([sys.executable, "-m", "spark_jobs.main", "resolve", "--ds", LAST_DAY], home, {"NIGHTSHIFT_RAW": ""})


def _steady(home: Path) -> dict:
    """Watch every night; what it found on the steady ones."""
    lake = Lake(home / "lake")
    for table in ("source_health", "drift", "alarms"):
        for day in lake.days(table):
            lake.withdraw(table, day)
    false, before, seconds, figures, compared = [], [], [], 0, 0
    who = lake.partition("persons", LAST_DAY).resolve()
    for night in _nights():
        if (link := lake.partition("persons", night)).exists() is False:
            link.symlink_to(os.path.relpath(who, link.parent))
        make_marts(lake, night)
        started = time.monotonic()
        watched = watch(night)
        if night in _nights()[-STEADY_NIGHTS:]:
            false += [(night, row["alarm"], row["subject"]) for row in watched.alarms if str(row["since"]) == night]
            seconds.append(time.monotonic() - started)
            figures += len(watched.figures)
            compared += sum(row["chance"] is not None for row in watched.drift)
        else:
            before += watched.alarms
    return {
        "steady_nights": STEADY_NIGHTS,
        "false_alarms": len(false),
        "which": [": ".join(one) for one in false],
        "alarms_of_nights_before": len(before),
        "figures_a_night": round(figures / STEADY_NIGHTS),
        "distributions_compared_a_night": round(compared / STEADY_NIGHTS),
        "median_seconds": round(statistics.median(seconds), 2),
    }


def _planted(home: Path, planted: Planted) -> dict:
    """Plant a change on some of the nights, one at a time, and watch that night."""
    named, also = [], Counter()
    for night in PLANTED_ON:
        copy = home.parent / "watch-planted"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(home / "lake", copy / "lake", symlinks=True, copy_function=os.link)
        lake = Lake(copy / "lake")
        if not planted.served:
            _plant(lake, night, planted)
        make_marts(lake, night)
        if planted.served:
            _plant(lake, night, planted)
        os.environ["NIGHTSHIFT_HOME"] = str(copy)
        found = {(row["alarm"], row["subject"]) for row in watch(night).alarms}
        os.environ["NIGHTSHIFT_HOME"] = str(home)
        named.append(bool(found & planted.alarms))
        also.update(f"{kind}: {subject}" for kind, subject in found - planted.alarms)
        shutil.rmtree(copy)
    return {
        "named": sum(named),
        "of_nights": len(named),
        "has_to_name": sorted(": ".join(one) for one in planted.alarms),
        "named_beside": dict(also.most_common(8)),
    }


def _plant(lake: Lake, night: str, planted: Planted) -> None:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        moved = connection.execute(
            """
            select item_id from read_parquet($1, hive_partitioning = false) where category = 'pets' order by 1 limit 1
        """,
            [[str(file) for day in lake.days("items", until=night) for file in lake.files("items", day)]],
        ).fetchone()
        for table, query in planted.rows.items():
            files = [str(file) for file in lake.files(table, night, owner=planted.source or None)]
            if not files:
                continue
            columns = ", ".join(TABLES[table].column_names)
            connection.execute(f"""
                create or replace temp view before as
                select {columns}, '{moved[0]}' as moved from read_parquet({files!r}, hive_partitioning = false)
            """)
            name = f"{planted.source}-planted.parquet" if planted.source else "part-00000.parquet"
            file = lake.staging("bench") / name
            connection.execute(f"copy (select {columns} from ({query})) to '{file}' (format parquet)")
            (rows,) = connection.execute(f"select count(*) from ({query})").fetchone()
            lake.publish(table, night, {name: file} if rows else {}, owner=planted.source or None)


if __name__ == "__main__":
    main()
