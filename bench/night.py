"""What a night costs on a delivery of a given size, step by step; `map` beside the same work written by hand.

DuckDB makes the delivery, in the format of the simulated town: one day of a web log of `--lines` lines by `--people`
visitors. Every step is a command of its own, as in a night. Printed is a line a step: seconds, CPU seconds, the most
memory of all its processes together, bytes that it left on disk, rows. `map` is followed by the same log through a
query for DuckDB and a job for Spark that write the same columns (`bench/night_by_hand.py`).

    python -m bench.night --people 10000 --lines 1000000 --steps map

With `--days`, the night after the first instead, on a lake of so many days of history and one new day that DuckDB
writes (`bench/lake_of_days.py`): the first night reads all of the history, the next one goes on from it. What it scores
with are champions that learned for `--minutes` each: how long a ranking takes does not depend on how good it is.

    python -m bench.night --people 50000 --events 200000 --days 10 100 --steps profile
    python -m bench.night --people 100000 --events 300000 --days 10 --steps resolve profile score export
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from bench import result
from bench.lake_of_days import LakeOfDays
from bench.next_night import NIGHTLY, bench_next_night
from bench.steps import command_of, measured, new_home, rows_of
from contracts.entry_point import exit_with_sentence
from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.settings import REPOSITORY, Settings

SOURCE = "apache_combined"
DAY = "2026-11-19"
STEPS = ("map", "resolve", "profile")

_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Mobile Safari",
    "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0",
)
_BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"

# one line a number; its kind, person and item follow from hashes of it
_LOG = f"""
    select (case when person % 20 = 0 then '2001:db8:' || printf('%x', person % 65536) || '::1'
                 else '203.' || (person >> 16) % 256 || '.' || (person >> 8) % 256 || '.' || person % 256 end)
           || ' - ' || case when person % 5 = 0 then 'user' || person else '-' end
           || ' [' || strftime(timestamp '{DAY}' + to_seconds((number * 86399) // {{lines}}), '%d/%b/%Y:%H:%M:%S')
           || ' +0000] "GET ' || case
                when kind < 45 then '/item/i-' || item
                when kind < 52 then '/cart/add?item=i-' || item
                when kind < 55 then '/checkout/complete?item=i-' || item || '&amount=' || (item % 90 + 9) || '.90'
                when kind < 65 then '/search?q=blue+shoes+' || item % 100 || '&utm_campaign=autumn-' || item % 7
                when kind < 72 then '/category/' || item % 40
                when kind < 74 then '/login'
                when kind < 76 then '/consent?profiling=1&training=1&personalisation=1&marketing_contact=' || kind % 2
                when kind < 77 then '/?subscriber=user' || person || '%40example.org'
                when kind < 87 then '/static/page-' || item % 9 || '.css'
                else '/' end
           || ' HTTP/1.1" ' || case when kind = 87 then 404 else 200 end || ' ' || item * 7
           || ' "https://shop.example/" "'
           || case when kind in (88, 89) then '{_BOT}' else {list(_AGENTS)}[(person % {len(_AGENTS)} + 1)::int] end
           || '" "vid=' || md5('cookie' || person || ' ' || kind % 2) || '; theme=dark"'
    from (
        select number, hash(number, 'person') % {{people}} as person, hash(number, 'kind') % 100 as kind,
               hash(number, 'item') % {{items}} as item
        from range({{lines}}) as numbers(number)
    )
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.night", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=10_000, help="visitors (default %(default)s)")
    parser.add_argument("--lines", type=int, default=1_000_000, help="lines of tonight's log (default %(default)s)")
    parser.add_argument(
        "--steps", nargs="+", choices=list(dict.fromkeys([*STEPS, *NIGHTLY])), help="(default: all of such a night)"
    )
    parser.add_argument("--by-hand", choices=("duckdb", "spark", "both", "none"), default="both", help="beside map")
    parser.add_argument(
        "--days", type=int, nargs="+", default=[], help="days of history, for the night after the first"
    )
    parser.add_argument("--events", type=int, default=200_000, help="events of a day of it (default %(default)s)")
    parser.add_argument("--items", type=int, help="items of its catalogue (default: a fifth of the people)")
    parser.add_argument("--minutes", type=float, default=1.0, help="a champion learns so long (default %(default)s)")
    chosen = parser.parse_args()
    steps = chosen.steps or (NIGHTLY if chosen.days else STEPS)
    if unknown := [step for step in steps if step not in (NIGHTLY if chosen.days else STEPS)]:
        parser.error(f"{' and '.join(unknown)}: not {'with' if chosen.days else 'without'} --days")
    if not chosen.days:
        exit_with_sentence(lambda: bench(chosen.people, chosen.lines, steps, chosen.by_hand))
        return
    home = Settings.from_env().home.bench / "night"
    for days in chosen.days:
        size = (chosen.people, chosen.events, days, chosen.items or max(100, chosen.people // 5))
        exit_with_sentence(
            lambda size=size: bench_next_night(
                LakeOfDays(Lake(new_home(home).home.lake), DAY, *size), home, steps, chosen.minutes
            )
        )


def bench(people: int, lines: int, steps: Sequence[str], by_hand: str) -> None:
    """Make a delivery and run the steps on it; a line of the results for each.

    Raises:
        LakeError: a step failed, or the mapping and the work by hand do not give the same rows.
    """
    home = Settings.from_env().home.bench / "night"
    settings = new_home(home)
    size = {"people": people, "lines": lines}
    log = deliver_log(home / "raw", people=people, lines=lines)
    print(f"bench.night: {lines:,} lines, {log.stat().st_size / 1e6:,.0f} MB", file=sys.stderr)
    for step in steps:
        mapping = ["python", "-m", "spark_jobs.main", "map", "--source", SOURCE, "--ds", DAY]
        found = measured(mapping if step == "map" else command_of(step, DAY), home)
        rows = rows_of(Lake(settings.home.lake), DAY)
        result.write({"bench": "night", "step": step, **size, **found, "rows": rows})
        if step == "map":
            for engine in ("duckdb", "spark") if by_hand == "both" else () if by_hand == "none" else (by_hand,):
                found = _by_hand(engine, log, home)
                result.write({"bench": "night", "step": f"map by hand: {engine}", **size, **found})
                _same(rows, found["rows"])
    shutil.rmtree(home)


def deliver_log(raw: Path, *, people: int, lines: int) -> Path:
    """Write one day of a web log of so many lines; returns the file."""
    file = raw / SOURCE / f"ds={DAY}" / "access.log"
    file.parent.mkdir(parents=True)
    query = _LOG.format(lines=lines, people=people, items=max(100, people // 10))
    with duckdb.connect() as database:
        database.execute("set preserve_insertion_order = true")
        database.execute(
            f"copy ({query}) to '{file}' (format csv, header false, quote '', escape '', delimiter '\x01')"
        )
    return file


def _by_hand(engine: str, log: Path, home: Path) -> dict[str, Any]:
    to = home / f"by_hand_{engine}"
    to.mkdir()
    program = str(REPOSITORY / "bench" / "night_by_hand.py")
    # Spark as it comes: with none of the settings of this repository
    start = (
        ["env", f"SPARK_CONF_DIR={to}", "spark-submit", "--driver-memory", "4g"] if engine == "spark" else ["python"]
    )
    return measured([*start, program, "--engine", engine, "--log", str(log), "--to", str(to)], home, reads=True)


def _same(rows: Mapping[str, int], by_hand: Mapping[str, int]) -> None:
    found = {table: rows.get(table, 0) for table in by_hand}
    if found != by_hand:
        raise LakeError(
            expected=f"the rows that were mapped by hand: {by_hand}",
            received=str(found),
            remedy="report this: rows of the log were lost, or are counted otherwise",
        )


if __name__ == "__main__":
    main()
