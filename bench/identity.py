"""How long `resolve` takes on a large graph with one hot identifier: from all edges, and from a night's edges alone.

DuckDB writes the lake (`bench/lake_of_edges.py`): all arrives on the first day but `--night` edges, new identifiers and
links between old ones, which arrive on the second. The first day is resolved, then the second twice: going on from the
first, and from scratch. Both must give the same persons and links. Seconds and CPU seconds are those of the whole
command, the start of Spark and the writing of the tables included; memory is the most of all its processes together.

    python -m bench.identity --edges 5000000 --hub 100000
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence

from bench import result
from bench.lake_of_edges import DAYS, LakeOfEdges
from bench.steps import command_of, measured, new_home
from contracts.entry_point import exit_with_sentence
from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.settings import Settings

NIGHTS = {"first": (DAYS[0],), "next": (DAYS[1],), "next from scratch": (DAYS[1], "--from-scratch")}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.identity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--edges", type=int, default=5_000_000, help="edges of the first day (default %(default)s)")
    parser.add_argument("--hub", type=int, default=100_000, help="those of the hot identifier (default %(default)s)")
    parser.add_argument("--night", type=int, default=100_000, help="edges of the second day (default %(default)s)")
    parser.add_argument("--nights", nargs="+", choices=NIGHTS, default=list(NIGHTS), help="(default: all)")
    chosen = parser.parse_args()
    exit_with_sentence(lambda: bench(**vars(chosen)))


def bench(edges: int, hub: int, night: int, nights: Sequence[str]) -> None:
    """Run the nights; a line of the results for each.

    Raises:
        LakeError: a run failed, or the two ways do not agree.
    """
    home = Settings.from_env().home.bench / "identity"
    lake_of_edges = LakeOfEdges(Lake(new_home(home).home.lake), edges, hub, night)
    lake_of_edges.deliver_first_day()
    lake_of_edges.deliver_next_day()
    contents = {}
    for name in nights:
        ds, *options = NIGHTS[name]
        found = measured([*command_of("resolve", ds), *options], home)
        contents[name] = lake_of_edges.contents(ds)
        rows, persons = contents[name]["persons"][:2]
        size = {"edges": edges, "hub": hub, "night_edges": night, "identifiers": rows, "persons": persons}
        result.write({"bench": "identity", "night": name, **size, **found})
    if contents.get("next") != contents.get("next from scratch", contents.get("next")):
        raise LakeError(
            expected="the same persons and links from the night's edges as from all",
            received="others",
            remedy=f"compare persons and identity_edges_known in {home / 'lake'}",
        )
    shutil.rmtree(home)


if __name__ == "__main__":
    main()
