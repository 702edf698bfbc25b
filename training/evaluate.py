"""Evaluate a registered version of a model on the held-out part of one day, loaded in a fresh process.

Prints one JSON object: the version, until which day it learned and from which day it is tested, the number of held-out
units, the metrics of the model and of the baselines, and how far its scores are from those of the model that was
trained. A version that learned from the days on which it is tested, as what is served did, is flattered by its figures.
With --units, the deciding metric of each unit and the groups that it belongs to are written as Parquet.

    python -m training.evaluate --model next_item --version 3 --ds 2026-11-20
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from contracts.entry_point import exit_with_sentence
from contracts.settings import Settings
from training.arguments import choose_backend, parser
from training.config import known_model, load_learner

if TYPE_CHECKING:
    from training.learner import Data, Learner, Measured, Predictor
    from training.registry.client import Registry, Version


@dataclass(frozen=True)
class Evaluated:
    """A registered version on one day's held-out part."""

    served: Predictor
    measured: Measured
    score_difference: float | None
    """Largest difference of a score to those that the training kept; infinity where they have another shape, None where
    an erasure deleted them."""


def main() -> None:
    arguments = parser("training.evaluate", __doc__)
    arguments.add_argument("--version", required=True, help="number of the registered version")
    arguments.add_argument("--units", type=Path, help="Parquet file to write the metric of each unit to")
    chosen = arguments.parse_args()
    choose_backend(chosen.backend)
    exit_with_sentence(lambda: _print_evaluation(chosen.model, chosen.version, chosen.ds, chosen.units))


def evaluate(registry: Registry, version: Version, learner: Learner, data: Data) -> Evaluated:
    """Load a version and measure it; what it could not know counts against it.

    Raises:
        ModelError: the files of the version are not those that were registered.
        RegistryError: the registry does not answer.
    """
    served = registry.load(version).unwrap_python_model()
    difference = score_difference(registry, version, served)  # first: a file that is not there ends it before the work
    return Evaluated(served, learner.measure(served, data), difference)


def write_parity(folder: Path, learner: Learner, fitted: Predictor, data: Data) -> None:
    """Keep a few inputs with the scores of a model just trained, for `score_difference`."""
    inputs = learner.parity_inputs(fitted, data)
    arrays = {f"input_{place}": one for place, one in enumerate(inputs)}
    np.savez_compressed(folder / "parity.npz", scores=fitted.score(*inputs), **arrays)


def score_difference(registry: Registry, version: Version, served: Predictor) -> float | None:
    """Largest difference between the scores that the training kept and those of the loaded artefact.

    None of a version whose kept inputs went with a person who may have been among them.
    """
    from training.registry.client import FORGOTTEN

    if FORGOTTEN in version.tags:
        return None
    with np.load(registry.run_file(version, "parity.npz")) as kept:
        inputs = [kept[f"input_{place}"] for place in range(len(kept.files) - 1)]
        expected = kept["scores"]
    found = np.asarray(served.score(*inputs))
    return float(np.abs(found - expected).max()) if found.shape == expected.shape else float("inf")


def _print_evaluation(model: str, number: str, ds: str, units: Path | None) -> None:
    settings = Settings.from_env()
    known_model(model)
    from training.registry.client import LEARNED_UNTIL, Registry

    learner, registry = load_learner(model), Registry.of(settings)
    data = learner.load(settings, ds)
    version = registry.version(model, number)
    evaluated = evaluate(registry, version, learner, data)
    measured = evaluated.measured
    evaluation = {
        "model": model,
        "version": number,
        "ds": ds,
        "learned_until": version.tags.get(LEARNED_UNTIL),
        "tested_from": learner.tested_from(data),
        learner.unit: len(measured.values),
        "metrics": dict(measured.metrics),
        "baselines": {name: dict(baseline.metrics) for name, baseline in learner.baselines(data).items()},
        "score_difference": evaluated.score_difference,
    }
    print(json.dumps(evaluation, indent=2))
    if units is not None:
        table = learner.slices(data).reset_index(drop=True)
        table[measured.metric] = measured.values
        table.to_parquet(units, index=False)


if __name__ == "__main__":
    main()
