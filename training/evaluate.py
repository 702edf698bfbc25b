"""Evaluate a registered version of a model on the held-out people of one day, loaded in a fresh process.

Prints one JSON object: the version, the number of people, and the metrics of the model and of the baselines. With
--people, the NDCG@10 and rank of each person's last item are written as Parquet.

    python -m training.evaluate --model next_item --version 3 --ds 2026-11-20
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from contracts.errors import exit_with_sentence
from contracts.settings import Settings
from training.config import known_model
from training.entry import load_day, parser, quiet_tensorflow

if TYPE_CHECKING:
    from training.data import Sequences
    from training.metrics import Ranking
    from training.registry import Registry, Version


@dataclass(frozen=True)
class Evaluated:
    """A registered version on one day's held-out people."""

    ranking: Ranking
    score_difference: float
    """Largest difference of a score to those that the training kept."""


def main() -> None:
    arguments = parser("training.evaluate", __doc__)
    arguments.add_argument("--version", required=True, help="number of the registered version")
    arguments.add_argument("--people", type=Path, help="Parquet file to write the metrics of each person to")
    chosen = arguments.parse_args()
    exit_with_sentence(lambda: _print_evaluation(chosen.model, chosen.version, chosen.ds, chosen.people))


def evaluate(registry: Registry, version: Version, sequences: Sequences) -> Evaluated:
    """Load a version and rank every held-out person's last item with it.

    Items that became known after the version was trained count as misses.

    Raises:
        ModelError: the files of the version are not those that were registered.
        RegistryError: the registry does not answer.
    """
    from training.data import Vocabulary
    from training.fitting import rank_test, scorer

    served = registry.load(version).unwrap_python_model()
    kept = np.load(registry.run_file(version, "parity.npz"))
    difference = np.abs(served.score(kept["histories"]) - kept["scores"]).max()
    vocabulary = Vocabulary(served.item_ids, served.counts)
    ranking = rank_test(scorer(served.score, max_length=served.max_length), sequences, vocabulary)
    return Evaluated(ranking, float(difference))


def _print_evaluation(model: str, number: str, ds: str, people: Path | None) -> None:
    settings = Settings.from_env()
    known_model(model)
    quiet_tensorflow()
    import pandas as pd

    from training.fitting import rank_baselines
    from training.registry import Registry

    registry = Registry.of(settings)
    sequences = load_day(settings, ds)
    evaluated = evaluate(registry, registry.version(model, number), sequences)
    ranking = evaluated.ranking
    answer = {
        "model": model,
        "version": number,
        "ds": ds,
        "people": len(ranking.ranks),
        "metrics": dict(ranking.summary()),
        "baselines": {name: dict(baseline.summary()) for name, baseline in rank_baselines(sequences).items()},
        "score_difference": evaluated.score_difference,
    }
    print(json.dumps(answer, indent=2))
    if people is not None:
        held_out = sequences.person_ids[sequences.held_out]
        table = pd.DataFrame({"person_id": held_out, "ndcg_at_10": ranking.ndcg, "rank": ranking.ranks})
        table.to_parquet(people, index=False)


if __name__ == "__main__":
    main()
