"""What similar items cost and are worth: `serving.neighbours` on a made-up lake, and the choice of its parameters.

The lake has 20 categories, titles of four words of 2,000, and people with about 20 acts each, half of them in a
category of their own, on popular items more than on others. The command runs as in a night; then 200 items are looked
up by brute force, and the share of their neighbours that the table has is the recall. With --duckdb the pairs that
people have in common are counted in SQL too, for comparison.

With --choose nothing is made up: of each person with three items and more the last item is hidden, and is to be found
among the 20 neighbours of the one before it. On the bundled ratings of films, or with --home on the newest day of a
lake.

    python -m bench.neighbours --items 100000 [--people 500000] [--duckdb]
    python -m bench.neighbours --choose [--home var]
"""

from __future__ import annotations

import argparse
import gzip
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import scipy.sparse

from bench import result
from bench.steps import command_of, measured, new_home
from contracts.entry_point import exit_with_sentence
from contracts.lake import Lake
from contracts.settings import REPOSITORY
from contracts.tables.marts import TRAINING_SEQUENCES
from contracts.tables.served import ITEM_NEIGHBOURS, MOST_NEIGHBOURS
from lake_tables.arrow import read_table
from serving.neighbours import read_items
from serving.similarity.behaviour import LEAST_PEOPLE, SHRINKAGE, by_behaviour, read_acts
from serving.similarity.best import Pairs
from serving.similarity.content import PRICE_WEIGHT, by_content, title_vectors
from serving.similarity.items import Items

DS = "2026-11-20"
ACTS_A_PERSON = 20
CATEGORIES = 20
LOOKED_UP = 200
_RATINGS = REPOSITORY / "sample_data" / "real" / "movietweetings_ratings.dat.gz"
_FILMS = REPOSITORY / "sample_data" / "real" / "movietweetings_movies.dat.gz"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.neighbours", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=20_000, help="default %(default)s")
    parser.add_argument("--people", type=int, default=200_000, help="default %(default)s")
    parser.add_argument("--categories", type=int, default=CATEGORIES, help="default %(default)s")
    parser.add_argument("--duckdb", action="store_true", help="count pairs in SQL too")
    parser.add_argument("--choose", action="store_true", help="compare parameters, on acts that people did")
    parser.add_argument("--home", type=Path, help="with --choose: a home with a lake, instead of the films")
    chosen = parser.parse_args()
    if chosen.choose:
        exit_with_sentence(lambda: choose(chosen.home))
    else:
        exit_with_sentence(lambda: run(chosen.items, chosen.people, chosen.categories, in_sql=chosen.duckdb))


def run(items: int, people: int, categories: int, *, in_sql: bool) -> None:
    """Write the lake below a folder for temporary files, run the command, look items up, and remove it."""
    with TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        lake = Lake(new_home(home).home.lake)
        write_lake(lake, items, people, categories)
        line: dict[str, Any] = {"bench": "neighbours", "items": items, "people": people, "categories": categories}
        line |= measured(command_of("neighbours", DS), home)
        catalogue = read_items(lake, DS)
        acts = read_acts(lake.partition(TRAINING_SEQUENCES.name, DS), catalogue)
        line |= {"acts": int(acts.nnz), **recalls(lake, catalogue, acts)}
        if in_sql:
            line["pairs_in_sql_seconds"] = pairs_in_sql(lake)
            started = time.monotonic()
            by_behaviour(acts, catalogue, most=MOST_NEIGHBOURS)
            line["by_behaviour_seconds"] = round(time.monotonic() - started, 1)
        result.write(line)


def write_lake(lake: Lake, items: int, people: int, categories: int) -> None:
    """The tables that the command reads."""
    share = "((hash({}) % 1000003) / 1000003.0)"
    word = " || ' ' || ".join(f"'w' || floor(2000 * {share.format(f'n, {at}')} ** 2)::int" for at in range(4))
    _publish(
        lake,
        "dim_item",
        f"""
        select 'i' || n as item_id, {word} as title, 'category-' || n % {categories} as category,
            round(exp(1 + 4 * {share.format("n, 9")}), 2) as price, true as available, hash(n) % 1000 as interactions
        from range({items}) as items(n)
        """,
    )
    own = f"floor({items} / {categories} * {share.format('n, k')} ** 2)::int * {categories} + n % {categories}"
    _publish(
        lake,
        "training_sequences",
        f"""
        select printf('p%016x', n) as person_id, list(distinct 'i' || least(item, {items - 1})) as item_ids
        from (
            select n, case when k % 2 = 0 then floor({items} * {share.format("n, k")} ** 3)::int else {own} end as item
            from range({people}) as people(n), range({ACTS_A_PERSON}) as acts(k)
        )
        group by n
        """,
    )
    _publish(
        lake,
        "dim_person_consent",
        f"select printf('p%016x', n) as person_id, true as consent_training from range({people}) as people(n)",
    )


def _publish(lake: Lake, table: str, query: str) -> None:
    file = lake.staging(table) / "part-0.parquet"
    duckdb.sql(f"copy ({query}) to '{file}' (format parquet)")
    lake.publish(table, DS, {file.name: file})


def recalls(lake: Lake, items: Items, acts: scipy.sparse.csr_array) -> dict[str, float | None]:
    """The share of the neighbours of some items, found by brute force, that the published table has, by kind."""
    ids = items.ids.to_numpy(zero_copy_only=False)
    chosen = np.random.default_rng(1).choice(len(ids), min(LOOKED_UP, len(ids)), replace=False)
    rows = read_table(lake.partition(ITEM_NEIGHBOURS.name, DS), ITEM_NEIGHBOURS.column_names).to_pandas()
    rows = rows[rows["item_id"].isin(ids[chosen])]
    published = {key: set(some) for key, some in rows.groupby(["item_id", "kind"])["neighbour_id"]}
    expected = {
        "behaviour": dict(_brute_behaviour(items, acts, chosen)),
        "content": dict(_brute_content(items, chosen)),
    }
    found = {}
    for kind, of_items in expected.items():
        wanted = sum(len(some) for some in of_items.values())
        there = sum(len(published.get((ids[one], kind), set()) & set(ids[some])) for one, some in of_items.items())
        found[f"recall_{kind}"] = round(there / wanted, 6) if wanted else None
    return found


def _brute_behaviour(
    items: Items, acts: scipy.sparse.csr_array, chosen: np.ndarray
) -> Iterator[tuple[int, np.ndarray]]:
    by_item = acts.tocsc()
    people = np.diff(by_item.indptr)
    for one in chosen:
        who = by_item.indices[by_item.indptr[one] : by_item.indptr[one + 1]]
        common = np.asarray(acts[who].sum(axis=0)).ravel().astype(float) if len(who) else np.zeros(len(items))
        scores = common / np.sqrt(np.maximum(people * people[one], 1)) * common / (common + SHRINKAGE)
        yield int(one), _brute_best(items, np.where(common >= LEAST_PEOPLE, scores, -1), one)


def _brute_content(items: Items, chosen: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    words = title_vectors(items)
    for one in chosen:
        titles = np.asarray((words @ words[[one]].T).todense()).ravel()
        near = np.minimum(items.prices, items.prices[one]) / np.maximum(items.prices, items.prices[one])
        scores = (1 - PRICE_WEIGHT) * titles + PRICE_WEIGHT * np.nan_to_num(near)
        yield int(one), _brute_best(items, np.where(items.categories == items.categories[one], scores, -1), one)


def _brute_best(items: Items, scores: np.ndarray, one: int) -> np.ndarray:
    scores = np.round(scores, 6)
    scores[items.variant_of == items.variant_of[one]] = -1
    scores[np.setdiff1d(np.arange(len(items)), items.candidates)] = -1
    best = np.argsort(-scores, kind="stable")[:MOST_NEIGHBOURS]
    return best[scores[best] >= 0]


def pairs_in_sql(lake: Lake) -> float:
    """Seconds in which DuckDB counts the people behind each pair of items."""
    file = next(lake.partition(TRAINING_SEQUENCES.name, DS).glob("*.parquet"))
    started = time.monotonic()
    duckdb.sql(f"""
        with acts as (select person_id, unnest(item_ids) as item from '{file}'),
        coded as (select hash(person_id) as person, dense_rank() over (order by item) as item from acts)
        select one.item, other.item, count(*) from coded as one join coded as other using (person)
        where one.item < other.item group by all having count(*) >= {LEAST_PEOPLE}
    """).fetchall()
    return round(time.monotonic() - started, 1)


def choose(home: Path | None) -> None:
    """Print how often the next item is among the neighbours of the last, by parameter; nothing is kept."""
    items, histories = films() if home is None else lake_of(home)
    histories = [history for history in histories if len(history) >= 3]
    lengths = np.array([len(history) - 1 for history in histories])
    places = np.concatenate([history[:-1] for history in histories])
    acts = scipy.sparse.csr_array(
        (np.ones(len(places), "int32"), places, np.append(0, np.cumsum(lengths))), shape=(len(histories), len(items))
    )
    last, hidden = (np.array([history[at] for history in histories]) for at in (-2, -1))
    data = "films" if home is None else "lake"
    for shrinkage, least in [(0, 1), (10, 1), *((one, LEAST_PEOPLE) for one in (0, 5, 10, 20, 50, 200))]:
        found = by_behaviour(acts, items, most=MOST_NEIGHBOURS, shrinkage=shrinkage, least_people=least)
        _say(data, "behaviour", found, last, hidden, shrinkage=shrinkage, least_people=least)
    for weight in (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0):
        found = by_content(items, most=MOST_NEIGHBOURS, price_weight=weight)
        _say(data, "content", found, last, hidden, price_weight=weight)


def _say(data: str, kind: str, found: Pairs, last: np.ndarray, hidden: np.ndarray, **parameters: float) -> None:
    ranks = dict(zip(zip(found.items.tolist(), found.neighbours.tolist(), strict=True), found.ranks(), strict=True))
    hits = np.array([ranks.get(pair, 0) for pair in zip(last.tolist(), hidden.tolist(), strict=True)])
    line = {"bench": "neighbours", "data": data, "kind": kind, **parameters, "people": len(hits)}
    line |= {"hit_rate@20": round(float((hits > 0).mean()), 5)}
    result.write(line | {"mrr@20": round(float((1 / hits[hits > 0]).sum() / len(hits)), 5)}, keep=False)


def films() -> tuple[Items, list[np.ndarray]]:
    """The films, whose category is their first genre, and each person's films in the order of time."""
    with gzip.open(_FILMS, "rt") as stream:
        rows = [line.rstrip("\n").split("::") for line in stream]
    with gzip.open(_RATINGS, "rt") as stream:
        acts = sorted((person, int(at), film) for person, film, _, at in (line.strip().split("::") for line in stream))
    counts: dict[str, int] = {}
    for _, _, film in acts:
        counts[film] = counts.get(film, 0) + 1
    catalogue = {film: (title, genres.split("|")[0] or "unknown") for film, title, genres in rows}
    described = [(film, *catalogue.get(film, (film, "unknown"))) for film in counts]
    items = Items.of(
        pa.table(
            {
                "item_id": [film for film, _, _ in described],
                "title": [title for _, title, _ in described],
                "category": [genre for _, _, genre in described],
                "price": pa.nulls(len(described), pa.float64()),
                "interactions": [counts[film] for film, _, _ in described],
            }
        )
    )
    histories: dict[str, list[str]] = {}
    for person, _, film in acts:
        histories.setdefault(person, []).append(film)
    return items, _coded(items, histories.values())


def lake_of(home: Path) -> tuple[Items, list[np.ndarray]]:
    """Items and histories of the newest day of a home."""
    lake = Lake(home.resolve() / "lake")
    ds = lake.days(TRAINING_SEQUENCES.name)[-1]
    items = read_items(lake, ds)
    rows = read_table(lake.partition(TRAINING_SEQUENCES.name, ds), ["item_ids"])
    return items, _coded(items, rows["item_ids"].to_pylist())


def _coded(items: Items, histories: Any) -> list[np.ndarray]:
    place = {item: at for at, item in enumerate(items.ids.to_pylist())}
    return [np.array(list(dict.fromkeys(place[item] for item in history if item in place))) for history in histories]


if __name__ == "__main__":
    main()
