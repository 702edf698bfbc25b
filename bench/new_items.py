"""How well `next_item` places items that nobody has acted on, beside content-kNN and the popularity of categories.

Whole items are left out of training, a tenth of all, by a hash of their ids and of the seed. The net learns from all
other acts, with what the catalogue says of items (`content: true`); then it is saved, loaded as it is served, and told
of the items that it has not seen, as a night does with those of its catalogue. For every act on one of these items they
are ranked by the person's acts before it on others; an item that scores the same stands before the target.

content-kNN ranks them by the cosine to what the person's acts were on, the mean of all or of the latest five; the
popularity of a category is that of the other items of an item's categories. Beside it, what it costs on items that are
known: the NDCG@10 of the last act with content and without.

A public set with a catalogue, ratings of at least 6 of 10 by people and on items with five or more of them:

    python -m bench.new_items --ratings movietweetings_ratings.dat.gz --movies movietweetings_movies.dat.gz

or the marts of a day of this home, after `make nightly`:

    python -m bench.new_items --ds 2026-11-19
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import sys
import tempfile
import time
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench.choices import read_choices
from contracts.arguments import day
from contracts.entry_point import exit_with_sentence
from contracts.errors import ModelError, NothingToLearn
from contracts.settings import Settings
from training.arguments import choose_backend
from training.config import CONFIGS, read_config

if TYPE_CHECKING:
    from training.sequences.histories import Sequences

LATEST = 5
_CASES_A_BATCH = 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.new_items", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ds", type=day, help="day whose marts are read")
    parser.add_argument("--ratings", type=Path, help="user::item::rating::time")
    parser.add_argument("--movies", type=Path, help="item::title::genre|genre")
    parser.add_argument("--config", type=Path, default=CONFIGS / "next_item.yml", help="YAML of parameters")
    parser.add_argument("--id-dropout", type=float, help="instead of the configuration's")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="items and weights (default 1 2 3)")
    parser.add_argument("--validate", action="store_true", help="leave out other items than those of the test")
    chosen = parser.parse_args()
    if (chosen.ds is None) == (chosen.ratings is None or chosen.movies is None):
        parser.error("expected --ds, or --ratings and --movies")
    exit_with_sentence(lambda: bench(chosen))


def bench(chosen: argparse.Namespace) -> dict[str, Any]:
    """Leave items out, train, rank, once a seed; write and return the line.

    Raises:
        LakeError, ModelError, NothingToLearn: there is nothing to learn from, or the training failed.
    """
    choose_backend()
    from bench.result import write
    from training.models.next_item.learner import LEARNER
    from training.models.next_item.network import NextItemConfig

    started = time.perf_counter()
    if chosen.ds:
        sequences = LEARNER.load(Settings.from_env(), chosen.ds)
    else:
        sequences = read_ratings(chosen.ratings, chosen.movies)
    parameters = dataclasses.replace(read_config(chosen.config, NextItemConfig), content=True)
    if chosen.id_dropout is not None:
        parameters = dataclasses.replace(parameters, id_dropout=chosen.id_dropout)
    runs = []
    for seed in chosen.seeds:
        run = one_run(sequences, dataclasses.replace(parameters, seed=seed), f"{chosen.validate}{seed}")
        print(f"seed {seed}: {run}", file=sys.stderr, flush=True)
        runs.append(run)
    rankers = list(runs[0]["never_seen"])
    line = {
        "bench": "new_items",
        "protocol": "a tenth of the items left out of training whole, all ranked for each act on one; ties lose",
        "data": chosen.ds or chosen.ratings.name,
        "config": {**dataclasses.asdict(parameters), "seed": None, "file": chosen.config.name},
        "seeds": chosen.seeds,
        "seconds": round(time.perf_counter() - started, 1),
        "never_seen": {ranker: _mean(run["never_seen"][ranker] for run in runs) for ranker in rankers},
        "known_ndcg@10": _mean(run["known_ndcg@10"] for run in runs),
        "runs": runs,
        "sizes": dict(sequences.describe()),
    }
    write(line, keep=not chosen.validate)
    return line


def one_run(sequences: Sequences, config: Any, salt: str) -> dict[str, Any]:
    """Metrics by ranker on items that were left out, and of the last act on others with content and without."""
    from training.models.next_item.learner import LEARNER
    from training.models.next_item.pyfunc import content_features

    new = np.array([zlib.crc32(f"{salt}:{item}".encode()) % 10 == 0 for item in sequences.item_ids])
    kept = without_items(sequences, new)
    learned = LEARNER.fit(kept, config, _context())
    model = _served(learned)
    left_out = sequences.described.take(sequences.item_ids[new])
    model.admit(left_out.item_ids, left_out.categories, left_out.prices, left_out.texts)
    histories, targets = cases(sequences, new)
    if not len(targets):
        raise NothingToLearn(
            expected="acts on items that were left out, by people who did something before",
            received="none",
            remedy="take more data",
        )
    known = sequences.described.take(model.learned_ids)
    features = [
        content_features(one.categories, one.prices, one.texts, model.content) for one in (known, left_out)
    ]  # (items, features) each
    places = pd.Index(model.learned_ids).get_indexer(sequences.item_ids)
    rankers = {
        "next_item": _by_net(model, histories, sequences.item_ids, left_out.item_ids),
        "content_knn": _by_content(histories, places, *features, latest=10**6),
        f"content_knn of {LATEST}": _by_content(histories, places, *features, latest=LATEST),
        "category_popularity": _by_category(features, model.counts, len(model.content["categories"]), len(histories)),
    }
    plain = LEARNER.fit(kept, dataclasses.replace(config, content=False), _context())
    return {
        "seed": config.seed,
        "items_left_out": int(new.sum()),
        "acts_on_them": len(targets),
        "never_seen": {name: measures(scores, targets) for name, scores in rankers.items()},
        "known_ndcg@10": {
            "with_content": LEARNER.measure(learned, kept).metrics["ndcg@10"],
            "without": LEARNER.measure(plain, kept).metrics["ndcg@10"],
        },
    }


def without_items(sequences: Sequences, gone: np.ndarray) -> Sequences:
    """The sequences without any act on some items (distinct,), of which nothing is left."""
    stays = ~gone[sequences.acts]
    before = np.concatenate([[0], np.cumsum(stays)])
    codes = np.cumsum(~gone) - 1
    item_ids = sequences.item_ids[~gone]
    return dataclasses.replace(
        sequences,
        item_ids=item_ids,
        acts=codes[sequences.acts[stays]].astype("int32"),
        times=sequences.times[stays],
        offsets=before[sequences.offsets],
        described=sequences.described.take(item_ids),
    )


def cases(sequences: Sequences, new: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """For each act on a new item by somebody who acted on others before: these (cases; acts before, oldest first), and
    its number among the new items (cases,)."""
    number = np.cumsum(new) - 1
    histories, targets = [], []
    for start, end in zip(sequences.offsets[:-1], sequences.offsets[1:], strict=True):
        acts = sequences.acts[start:end]
        of_new = new[acts]
        for place in np.flatnonzero(of_new):
            before = acts[:place][~of_new[:place]]
            if len(before):
                histories.append(before)
                targets.append(number[acts[place]])
    return histories, np.array(targets, int)


def measures(scores: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Recall and NDCG at 10 of one target a row; scores (cases, items)."""
    from training.metrics.ranking import Ranking, ranks_of

    nothing = np.empty((len(targets), 0), int)
    ranking = Ranking(ranks_of(scores, targets + 1), top=nothing, targets=targets + 1, items=scores.shape[1])
    return {"recall@10": round(float(ranking.recall.mean()), 4), "ndcg@10": round(float(ranking.ndcg.mean()), 4)}


def read_ratings(ratings: Path, movies: Path) -> Sequences:
    """The choices of a file of ratings, with titles and genres of its films.

    Raises:
        ModelError: no such file, or not of that form.
    """
    from lake_tables.described_items import DescribedItems
    from serving.words.model import in_steps, text_model
    from training.sequences.histories import Sequences

    rows = read_choices(ratings)
    try:
        with (gzip.open if movies.suffix == ".gz" else open)(movies, "rt", encoding="utf-8") as stream:
            films = [line.rstrip("\n").split("::") for line in stream]
    except (OSError, ValueError) as error:
        raise ModelError(
            expected=f"films as item::title::genres in {movies}", received=str(error), remedy="name another file"
        ) from error
    rows = rows.sort_values(["user", "time"], kind="stable")
    people, persons = np.unique(rows["user"].to_numpy(str), return_inverse=True)
    items, acts = np.unique(rows["item"].to_numpy(object), return_inverse=True)
    said = {film[0]: film for film in films}
    found = [said.get(item, (item, "", "")) for item in items]
    genres = np.array([film[2] or "unknown" for film in found], object)
    titles = in_steps(text_model(Settings.from_env().text_model).embed([film[1] for film in found]))
    return Sequences(
        person_ids=people,
        item_ids=items,
        acts=acts.astype("int32"),
        times=rows["time"].to_numpy().astype("datetime64[s]").astype("datetime64[us]"),
        offsets=np.concatenate([[0], np.cumsum(np.bincount(persons))]),
        described=DescribedItems(items, genres, np.full(len(items), np.nan), titles),
    )


def _served(fitted: Any) -> Any:
    """The model as MLflow loads it."""
    from training.models.next_item.pyfunc import NextItemRanker

    with tempfile.TemporaryDirectory() as folder:
        files = {name: str(file) for name, file in fitted.save(Path(folder)).items()}
        model = NextItemRanker()
        model.load_context(SimpleNamespace(artifacts=files))
    return model


def _by_net(model: Any, histories: list[np.ndarray], item_ids: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Scores of the wanted items for each history (cases, wanted)."""
    places = model.places.get_indexer(wanted)
    found = []
    for start in range(0, len(histories), _CASES_A_BATCH):
        rows = [item_ids[history].tolist() for history in histories[start : start + _CASES_A_BATCH]]
        found.append(model.score(*model.encode(pd.DataFrame({"history": rows})))[:, places])
    return np.concatenate(found)


def _by_content(
    histories: list[np.ndarray], places: np.ndarray, known: np.ndarray, new: np.ndarray, *, latest: int
) -> np.ndarray:
    """Cosine of each new item to the mean of what the latest acts were on (cases, new items)."""
    known, new = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12) for rows in (known, new))
    means = []
    for history in histories:
        of_history = places[history[-latest:]]
        of_history = of_history[of_history >= 0]
        means.append(known[of_history].mean(axis=0) if len(of_history) else np.zeros(known.shape[1]))
    return np.array(means) @ new.T


def _by_category(features: list[np.ndarray], counts: np.ndarray, categories: int, rows: int) -> np.ndarray:
    """Acts on known items of a new item's categories, in their mean, for everybody the same (cases, new items)."""
    known, new = (one[:, :categories] > 0 for one in features)
    acts = counts[: len(known)] @ known
    popular = (new * acts).sum(axis=1) / np.maximum(new.sum(axis=1), 1)
    return np.broadcast_to(popular, (rows, len(new)))


def _mean(metrics: Any) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in pd.DataFrame(list(metrics)).mean().items()}


def _context() -> Any:
    from training.learner import Context

    return Context(say=lambda text: print(text, file=sys.stderr, flush=True))


if __name__ == "__main__":
    main()
