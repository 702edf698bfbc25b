"""How long `resolve` takes on a large graph with one hot identifier: from all edges, and from a night's edges alone.

A lake is made up in which people have a mail address, an account, cookies and at times a handle, and one cookie on
which as many mails were clicked as `--hub` says: a library's computer, a robot that follows links, or an attack. All
arrives on the first day but `--night` edges, new identifiers and links between old ones, which arrive on the second.
The first day is resolved, then the second twice: going on from the first, and from scratch. Both must give the same
persons and links. Seconds are those of the whole command, the start of Spark and the writing of the tables included;
memory is the largest of its processes.

    python -m bench.identity --edges 5000000 --hub 100000
"""

from __future__ import annotations

import argparse
import resource
import shutil
import time
from pathlib import Path
from typing import Any

import duckdb

from bench import result
from bench.steps import run_step
from contracts.entry_point import exit_with_sentence
from contracts.errors import LakeError
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.settings import Settings

DAYS = ("2026-11-18", "2026-11-19")
EDGES_A_PERSON = 5

SPARK = {
    "spark.sql.shuffle.partitions": "16",
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC -XX:ReservedCodeCacheSize=240m -Xss4m",
}
"""For a long job: the settings that come with Nightshift are for short ones, with a compiler that starts fast."""

# one row an edge, five a person: mail address, three cookies, and a handle or a fourth cookie
_PEOPLE = """
    select case place when 0 then 'email:' || md5('e' || person) when 4 then 'handle:' || md5('h' || person)
           else 'cookie:' || md5('c' || person || ' ' || place) end as left_identifier,
           'account:' || md5('a' || person) as right_identifier,
           case place when 0 then 'account_email' when 4 then 'verified_link' else 'login' end as kind
    from range({people}) as people(person), range(5) as places(place)
"""
_HUB = """
    select 'email:' || md5('e' || person) as left_identifier, 'cookie:' || md5('hub') as right_identifier,
           'email_click' as kind
    from range({hub}) as people(person)
"""
# a third known accounts on new cookies, a third new people, a third known cookies on which another account logs in
_NIGHT = """
    select case edge % 3 when 2 then 'cookie:' || md5('c' || (edge * 7 % {people}) || ' 1')
           else 'cookie:' || md5('night' || edge) end as left_identifier,
           'account:' || case edge % 3 when 1 then md5('new' || edge) else md5('a' || (edge * 11 % {people})) end
           as right_identifier,
           'login' as kind
    from range({night}) as edges(edge)
"""
_ROWS = """
    copy (
        select md5('{day}' || row_number() over ()) as edge_id, 'bench' as source, left_identifier, right_identifier,
               kind, timestamptz '{day} 08:00:00+00' + to_seconds(row_number() over () % 3600) as occurred_at
        from ({edges})
    ) to '{file}' (format parquet)
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.identity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--edges", type=int, default=5_000_000, help="edges of the first day (default %(default)s)")
    parser.add_argument("--hub", type=int, default=100_000, help="those of the hot identifier (default %(default)s)")
    parser.add_argument("--night", type=int, default=50_000, help="edges of the second day (default %(default)s)")
    parser.add_argument("--memory", default="6g", help="memory of Spark's driver (default %(default)s)")
    parser.add_argument("--cores", type=int, default=2)
    chosen = parser.parse_args()
    exit_with_sentence(lambda: bench(**vars(chosen)))


def bench(edges: int, hub: int, night: int, memory: str, cores: int) -> dict[str, Any]:
    """Run the three, write and return the line.

    Raises:
        LakeError: a run failed, or the two ways do not agree.
    """
    home = Settings.from_env().home.bench / "identity"
    shutil.rmtree(home, ignore_errors=True)
    lake = Lake(home / "lake")
    pseudonym_keys(Settings.from_env({"NIGHTSHIFT_HOME": str(home)}))
    people = (edges - hub) // EDGES_A_PERSON
    _deliver(lake, DAYS[0], f"{_PEOPLE} union all {_HUB}".format(people=people, hub=hub))
    _deliver(lake, DAYS[1], _NIGHT.format(people=people, night=night))
    run = {"memory": memory, "cores": cores}
    seconds = {"from_scratch": _resolve(home, DAYS[0], **run), "next_night": _resolve(home, DAYS[1], **run)}
    further = _contents(lake)
    seconds["next_night_from_scratch"] = _resolve(home, DAYS[1], "--from-scratch", **run)
    if _contents(lake) != further:
        raise LakeError(
            expected="the same persons and links from the night's edges as from all",
            received="others",
            remedy=f"compare persons and identity_edges_known in {lake.root}",
        )
    rows, persons = further["persons"][:2]
    line = {
        "bench": "identity",
        "edges": edges,
        "hub": hub,
        "night_edges": night,
        "identifiers": rows,
        "persons": persons,
        "seconds": seconds,
        "cores": cores,
        "driver_memory": memory,
        "spark": SPARK,
        "peak_memory_gib": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1 << 20), 2),
        "equal": True,
    }
    result.write(line)
    shutil.rmtree(home)
    return line


def _deliver(lake: Lake, ds: str, edges: str) -> None:
    """Publish edges as if they had been mapped, and the books without which nothing is resolved."""
    staging = lake.staging("bench")
    with duckdb.connect() as database:
        database.execute("set timezone = 'UTC'")
        database.execute(_ROWS.format(day=ds, edges=edges, file=staging / "edges.parquet"))
        books = "select 'bench' as source, 'read' as outcome, null::varchar as rule, 0::bigint as rows"
        database.execute(f"copy ({books}) to '{staging / 'books.parquet'}' (format parquet)")
    lake.publish("identity_edges", ds, {"bench-00000.parquet": staging / "edges.parquet"})
    lake.publish("reconciliation", ds, {"bench-00000.parquet": staging / "books.parquet"})


def _resolve(home: Path, ds: str, *arguments: str, memory: str, cores: int) -> float:
    """Seconds of one `resolve`."""
    started = time.monotonic()
    settings = [word for name, value in SPARK.items() for word in ("--conf", f"{name}={value}")]
    command = ["spark-submit", "--driver-memory", memory, *settings, "spark_jobs/main.py", "resolve", "--ds", ds]
    run_step([*command, *arguments], home, {"NIGHTSHIFT_SPARK_MASTER": f"local[{cores}]"})
    return round(time.monotonic() - started, 1)


def _contents(lake: Lake) -> dict[str, tuple]:
    """Rows, and hashes of them that no order matters to, of what the second day published."""
    found = {}
    with duckdb.connect() as database:
        for table, columns in (
            ("persons", "person_id, identifier, first_ds"),
            ("identity_edges_known", "cluster, left_identifier, right_identifier, kind, times, first_time, refused"),
        ):
            first, *_ = columns.split(",")
            found[table] = database.execute(
                f"select count(*), count(distinct {first}), bit_xor(hash({columns})), sum(hash({columns})) "
                f"from '{lake.partition(table, DAYS[1])}/*.parquet'"
            ).fetchone()
    return found


if __name__ == "__main__":
    main()
