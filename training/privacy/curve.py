"""The privacy-utility curve: train a model with epsilon inf, 8, 3 and 1 on one day's data and measure each.

Writes <home>/privacy_curves/<model>.json, which the model card of every later training shows, with its day. The plain
training uses training/configs/<model>.yml, the private ones use training/configs/<model>_private.yml.

The models are measured and thrown away: none is registered, and the privacy ledger is not charged. The figures are
exact, like all metrics in MLflow, and meant for the people who run Nightshift only.

    python -m training.privacy.curve --model response --ds 2026-11-20
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contracts.atomic_files import write_json
from contracts.entry_point import exit_with_sentence
from contracts.errors import ModelError
from contracts.report import say
from contracts.settings import Settings
from training.arguments import choose_backend, parser
from training.config import CONFIGS, config_of, known_model, load_learner, read_config

EPSILONS = (math.inf, 8.0, 3.0, 1.0)
SEEDS = (1, 2, 3)


def main() -> None:
    arguments = parser("training.privacy.curve", __doc__)
    arguments.add_argument(
        "--seeds", type=int, nargs="+", default=list(SEEDS), help="one training per epsilon and seed (default 1 2 3)"
    )
    chosen = arguments.parse_args()
    choose_backend(chosen.backend)
    exit_with_sentence(lambda: privacy_curve(chosen.model, chosen.ds, seeds=chosen.seeds))


def privacy_curve(model: str, ds: str, *, seeds: Sequence[int] = SEEDS) -> Path:
    """Measure and write the curve; returns its file.

    Raises:
        LakeError: the marts of that day were not built.
        ModelError: the model has no private training.
        NothingToLearn: there is too little data.
    """
    settings = Settings.from_env()
    known_model(model)
    file = CONFIGS / f"{model}_private.yml"
    if not file.is_file():
        raise ModelError(
            expected="a model with a private training: response or taste_autoencoder",
            received=model,
            remedy="choose one of them with --model",
        )
    learner = load_learner(model)
    plain, private = (read_config(one, learner.config) for one in (config_of(settings, model), file))
    curve = {"model": model, "ds": ds, **measure_curve(learner, learner.load(settings, ds), plain, private, seeds)}
    written = settings.home.privacy_curves / f"{model}.json"
    write_json(written, curve)
    say(f"privacy curve {model}: wrote {written}; the next training shows it in its card")
    return written


def measure_curve(learner: Any, data: Any, plain: Any, private: Any, seeds: Sequence[int]) -> dict[str, Any]:
    """Metric and attack of each epsilon, means over the seeds; an `epsilon` of None is a plain training."""
    from training.learner import Context
    from training.privacy.membership import membership

    points = []
    for epsilon in EPSILONS:
        config = plain
        if math.isfinite(epsilon):
            config = dataclasses.replace(private, privacy=dataclasses.replace(private.privacy, epsilon=epsilon))
        values, aucs = [], []
        for seed in seeds:
            fitted = learner.fit(data, dataclasses.replace(config, seed=seed), Context(say=lambda _: None))
            measured = learner.measure(fitted, data)
            attack = membership(learner.membership_scores(fitted, data), measured.metrics)
            values.append(measured.value)
            aucs.append(math.nan if attack is None else attack.auc)
        spent = learner.spending(data, config)
        point = {
            "epsilon": epsilon if spent else None,
            measured.metric: sum(values) / len(values),
            "least": min(values),
            "most": max(values),
            "membership_auc": sum(aucs) / len(aucs),
            "noise_multiplier": spent.noise_multiplier if spent else 0.0,
        }
        points.append(point)
        say(
            f"privacy curve {learner.name}: epsilon {epsilon:g}: {measured.metric} {point[measured.metric]:.4f}, "
            f"membership attack {point['membership_auc']:.4f}"
        )
    return {"metric": measured.metric, "seeds": list(seeds), "points": points}


if __name__ == "__main__":
    main()
