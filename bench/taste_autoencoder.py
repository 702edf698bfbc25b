"""How well `taste_autoencoder` predicts newcomers' tastes on a public file, beside EASE and popularity in the same run.

The file is either text with one user per line (the user, then the user's items, separated by blanks), or, if its name
ends in .dat or .dat.gz, MovieTweetings ratings (user::item::rating::time). A rating of at least 6 of 10 counts as
chosen; users and items with fewer than 5 choices are dropped, again and again, until none is left to drop.

Strong generalisation: about 10 % of the users are the test and 10 % the validation, drawn by a hash of their ids and
the same for every seed. They take no part in training; 80 % of the items of each are folded in, the rest is ranked
among all items not folded in. Training ends by the validation part, which also chooses the penalty of EASE; the test
is looked at once a seed. One JSON line: the mean over seeds, each seed, the baselines, and the interval of the
difference to EASE over test users.

    python -m bench.taste_autoencoder --data movietweetings_ratings.dat.gz \\
        --config training/configs/movietweetings_taste_autoencoder.yml --seeds 1 2 3
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.choices import LEAST_CHOICES, LEAST_RATING, read_choices
from contracts.entry_point import exit_with_sentence
from training.arguments import choose_backend
from training.config import CONFIGS, read_config

if TYPE_CHECKING:
    from training.models.taste_autoencoder.baskets import Baskets

EASE_PENALTIES = (10.0, 20.0, 50.0, 100.0, 200.0, 300.0, 500.0, 700.0, 1000.0, 2000.0)
PROTOCOL = (
    "strong generalisation: 80/10/10 % of users by hash, 80 % of a held-out user's items folded in, 20 % hidden; "
    "full ranking, folded-in items left out, ties lose"
)
_RESAMPLES, _CONFIDENCE = 2000, 0.95


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.taste_autoencoder",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="text file, or ratings if it ends in .dat or .dat.gz")
    parser.add_argument(
        "--config",
        type=Path,
        default=CONFIGS / "taste_autoencoder.yml",
        help="YAML of parameters",
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="one training each (default 1 2 3)")
    chosen = parser.parse_args()
    exit_with_sentence(lambda: bench(chosen.data, chosen.config, chosen.seeds))


def bench(data: Path, config: Path, seeds: list[int]) -> dict[str, Any]:
    """Train once a seed, measure, write and return the line.

    Raises:
        ModelError: the file holds nothing to read, the configuration is wrong, or the training failed.
        NothingToLearn: too few users or items.
    """
    choose_backend()
    import numpy as np

    from bench.result import write
    from training.models.taste_autoencoder.baselines import popularity, tuned_ease
    from training.models.taste_autoencoder.basket_metrics import measured, rank_baskets
    from training.models.taste_autoencoder.ease import too_many_items
    from training.models.taste_autoencoder.learner import LEARNER, TasteData
    from training.models.taste_autoencoder.network import TasteAutoencoderConfig

    started = time.perf_counter()
    parameters = read_config(config, TasteAutoencoderConfig)
    baskets = read_baskets(data)
    learned_from = TasteData(baskets)
    fits = [_run(LEARNER, learned_from, dataclasses.replace(parameters, seed=seed)) for seed in seeds]
    runs = [metrics for metrics, _ in fits]
    values = np.mean([values for _, values in fits], axis=0)  # (test users,)
    items = baskets.distinct_ids[baskets.known]
    ranking = rank_baskets(popularity(baskets), items, baskets.test, baskets.distinct_ids)
    baselines = {"popularity": dict(measured(ranking).metrics)}
    reason, over_ease = too_many_items(len(items)), None
    if reason is None:
        score, penalty, validation = tuned_ease(baskets, EASE_PENALTIES)
        ease = measured(rank_baskets(score, items, baskets.test, baskets.distinct_ids))
        baselines["ease"] = {**ease.metrics, "penalty": penalty, LEARNER.watched: round(validation, 6)}
        over_ease = interval(values - ease.values)
    else:
        baselines["ease"] = {"absent": reason}
    line = {
        "bench": "taste_autoencoder",
        "protocol": f"{PROTOCOL}; {_reading(data)}",
        "data": data.name,
        "config": {**dataclasses.asdict(parameters), "seed": None, "file": config.name},
        "seeds": seeds,
        "seconds": round(time.perf_counter() - started, 1),
        "metrics": {name: round(float(np.mean([run[name] for run in runs])), 6) for name in runs[0] if name != "seed"},
        "runs": runs,
        "baselines": baselines,
        "ndcg@100_over_ease": over_ease,
        "sizes": {**learned_from.describe(), "people_validated": len(baskets.validation)},
    }
    write(line)
    return line


def read_baskets(file: Path) -> Baskets:
    """The users of a file and what each of them chose.

    Raises:
        ModelError: no such file, or none of the two formats.
    """
    from training.models.taste_autoencoder.baskets import baskets_from
    from training.sequences.loading import sequences_from_text

    return _from_ratings(file) if _is_ratings(file) else baskets_from(sequences_from_text(file))


def interval(differences) -> dict[str, float]:
    """Mean of paired differences (users,) and its bootstrap percentile interval (Efron, 1979)."""
    import numpy as np

    drawn = np.random.default_rng(7).integers(0, len(differences), (_RESAMPLES, len(differences)))
    low, high = np.quantile(differences[drawn].mean(axis=1), [(1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2])
    return {name: round(float(one), 6) for name, one in (("mean", differences.mean()), ("low", low), ("high", high))}


def _run(learner, data, config) -> tuple[dict[str, float], Any]:
    """One seed: the test's metrics and what the training took, and the NDCG@100 of each test user."""
    from training.learner import Context

    context = Context(say=lambda text: print(f"seed {config.seed}: {text}", file=sys.stderr, flush=True))
    started = time.perf_counter()
    fitted = learner.fit(data, config, context)
    seconds = time.perf_counter() - started
    measured = learner.measure(fitted, data)
    run = {
        "seed": config.seed,
        **measured.metrics,
        learner.watched: round(max(epoch[learner.watched] for epoch in fitted.epochs), 6),
        "epochs": len(fitted.epochs),
        "fit_seconds": round(seconds, 1),
    }
    return run, measured.values


def _from_ratings(file: Path) -> Baskets:
    import numpy as np

    from training.models.taste_autoencoder.baskets import baskets_of

    chosen = read_choices(file)
    users, people = np.unique(chosen["user"].to_numpy().astype(str), return_inverse=True)
    return baskets_of(users, people, chosen["item"].to_numpy())


def _reading(file: Path) -> str:
    if _is_ratings(file):
        return f"chosen is a rating of at least {LEAST_RATING}, {LEAST_CHOICES}-core of users and items"
    return "each item of a user's line is chosen"


def _is_ratings(file: Path) -> bool:
    return file.name.endswith((".dat", ".dat.gz"))


if __name__ == "__main__":
    main()
