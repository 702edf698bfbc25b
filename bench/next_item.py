"""How well `next_item` ranks on a public file of sequences, beside popularity, recency and item-kNN in the same run.

The file has a user a line: the user, then the user's items in the order of time, parted by blanks; `.gz` is fine.
Leave-one-out: the last item of a user is the test, the one before it the validation, all before that the training.
All items are ranked but those in the user's history; the history at the test includes the validation item. Training
ends by the validation; the test is looked at once a seed. One JSON line: the mean over seeds, each seed, baselines.
A call that was killed goes on after the last epoch of each seed when it is made again.

With --validate the last item of every user is left away, and all else is one item earlier: what is the validation
otherwise is the test then. That is how parameters are chosen: the validation of a training flatters it, since that
history ends with an item that was learned from, and the history at the test does not. The line is printed, not kept.

    python -m bench.next_item --data sequences.txt.gz --config training/configs/s3rec_beauty_next_item.yml --seeds 1 2 3
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from contracts.entry_point import exit_with_sentence
from contracts.settings import Settings
from training.arguments import BACKENDS, choose_backend
from training.config import CONFIGS, read_config

PROTOCOL = "leave-one-out: last item test, the one before validation; full ranking, seen items left out; ties lose"
BACKBONES = ("gru", "attention")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.next_item", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="text file: a user a line, then the user's items")
    parser.add_argument(
        "--config", type=Path, default=CONFIGS / "next_item.yml", help="YAML of parameters (default: the town's)"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="one training each (default 1 2 3)")
    parser.add_argument("--backbone", choices=BACKBONES, help="instead of the configuration's")
    parser.add_argument("--validate", action="store_true", help="never touch the last items")
    parser.add_argument("--backend", choices=BACKENDS, default=BACKENDS[0], help="what Keras computes with")
    chosen = parser.parse_args()
    choose_backend(chosen.backend)
    exit_with_sentence(
        lambda: bench(chosen.data, chosen.config, chosen.seeds, backbone=chosen.backbone, validate=chosen.validate)
    )


def bench(
    data: Path, config: Path, seeds: list[int], *, backbone: str | None = None, validate: bool = False
) -> dict[str, Any]:
    """Train once a seed, measure, write and return the line.

    Raises:
        ModelError: the file holds no sequences, the configuration is wrong, or the training failed.
    """
    import keras
    import numpy as np

    from bench.result import write
    from training.models.next_item.learner import LEARNER
    from training.models.next_item.network import NextItemConfig
    from training.sequences.loading import sequences_from_text

    started = time.perf_counter()
    parameters = read_config(config, NextItemConfig)
    if backbone is not None:
        parameters = dataclasses.replace(parameters, backbone=backbone)
    sequences = sequences_from_text(data, without_last=1 if validate else 0)
    content = sequences.content_hash()
    configs = [dataclasses.replace(parameters, seed=seed) for seed in seeds]
    folders = [_checkpoints(content, config) for config in configs]
    runs = [_run(LEARNER, sequences, *one) for one in zip(configs, folders, strict=True)]
    names = [name for name in runs[0] if name != "seed"]
    line = {
        "bench": "next_item",
        "protocol": f"{PROTOCOL}; without the last items" if validate else PROTOCOL,
        "data": data.name,
        "config": {**dataclasses.asdict(parameters), "seed": None, "file": config.name},
        "backend": keras.backend.backend(),
        "seeds": seeds,
        "seconds": round(time.perf_counter() - started, 1),
        "metrics": {name: round(float(np.mean([run[name] for run in runs])), 6) for name in names},
        "runs": runs,
        "baselines": {name: dict(one.metrics) for name, one in LEARNER.baselines(sequences).items()},
        "sizes": dict(sequences.describe()),
    }
    write(line, keep=not validate)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return line


def _checkpoints(content: str, config) -> Path:
    """Where the training of a configuration on some data keeps its epochs until its line is written."""
    name = hashlib.sha256(f"{content} {config}".encode()).hexdigest()[:12]
    return Settings.from_env().home.bench / "next_item" / name


def _run(learner, sequences, config, folder: Path) -> dict[str, float]:
    """One seed: the test's metrics (`recall@10` is also called HR@10), and what the training took."""
    from training.learner import Context

    context = Context(folder, say=lambda text: print(f"seed {config.seed}: {text}", file=sys.stderr, flush=True))
    started = time.perf_counter()
    fitted = learner.fit(sequences, config, context)
    seconds = time.perf_counter() - started
    trained = sum(epoch["epoch_seconds"] for epoch in fitted.epochs)
    acts = sequences.acts_in_training
    return {
        "seed": config.seed,
        **learner.measure(fitted, sequences).metrics,
        learner.watched: round(max(epoch[learner.watched] for epoch in fitted.epochs), 6),
        "epochs": len(fitted.epochs),
        "fit_seconds": round(seconds, 1),
        "events_a_second": round(acts * len(fitted.epochs) / trained),
    }


if __name__ == "__main__":
    main()
