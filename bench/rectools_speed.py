"""How many seconds `next_item` needs to reach the quality that RecTools' SASRec reaches in ten epochs.

Both get the same sequences, sizes, number of negatives and batch on the same machine, one after the other. RecTools
(https://github.com/MobileTeleSystems/RecTools) runs in an environment of its own below `var/bench/rectools`, made on
first use, because it needs older libraries. Its recommendations and ours are measured by the same protocol: NDCG@10 of
the item before each person's last, by all items before it, seen items left out. The last items are not touched. What
RecTools recommended is kept there with its seconds, so that a second run on the same data trains only ours.

Their seconds are those of `fit` alone. Ours are all from the call until the quality is there: the spectral
initialisation, the compilation, and the ranking of all people's items after each epoch.

    python -m bench.rectools_speed --data sequences.txt.gz
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import json
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any

from contracts.entry_point import exit_with_sentence
from contracts.errors import ModelError
from contracts.settings import REPOSITORY, Settings
from training.arguments import choose_backend

PACKAGES = ("rectools[torch]==0.19.0", "torch==2.13.0")

SASREC = {
    "dimensions": 64,
    "blocks": 1,
    "heads": 1,
    "dropout": 0.2,
    "max_length": 50,
    "loss": "sampled_softmax",
    "negatives": 256,
    "learning_rate": 0.001,
    "batch_size": 128,
}
"""RecTools' own learning rate, batch and dropout; it draws negatives a step, uniformly, and has no smaller softmax."""

MOST_EPOCHS = 40
"""After this many epochs below RecTools' quality the answer is that it was not reached."""


class _Reached(Exception):  # noqa: N818  not an error: the target of the training
    """The target quality is reached."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.rectools_speed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="text file: a user a line, then the user's items")
    parser.add_argument("--epochs", type=int, default=10, help="epochs of RecTools' SASRec (default 10)")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    exit_with_sentence(lambda: bench(chosen.data, epochs=chosen.epochs, seed=chosen.seed))


def bench(data: Path, *, epochs: int, seed: int) -> dict[str, Any]:
    """Run both, write and return the line.

    Raises:
        ModelError: the file holds no sequences, or the environment of RecTools cannot be made or fails.
    """
    choose_backend()
    from bench.result import write
    from training.models.next_item.network import NextItemConfig
    from training.parts import Part
    from training.sequences.histories import held_out_histories, training_histories
    from training.sequences.loading import sequences_from_text
    from training.sequences.vocabulary import training_vocabulary

    sequences = sequences_from_text(data)
    vocabulary = training_vocabulary(sequences)
    _, targets = held_out_histories(sequences, vocabulary, part=Part.VALIDATION)
    key = hashlib.sha256(f"{sequences.content_hash()} {SASREC} {PACKAGES} {epochs} {seed}".encode()).hexdigest()[:12]
    training = training_histories(sequences, vocabulary, at_least=1)
    theirs = _rectools(training, sequences.held_out, targets, key=key, epochs=epochs, seed=seed)

    config = NextItemConfig(
        backbone="attention",
        **{**SASREC, "learning_rate": 0.002},
        initialisation="spectral",
        ema_momentum=0.998,
        epochs=MOST_EPOCHS,
        patience=0,
        validation_people=len(targets),
        seed=seed,
    )
    ours = _ours(sequences, config, theirs["ndcg@10"])
    write(
        line := {
            "bench": "rectools_speed",
            "protocol": f"seconds of training to the validation NDCG@10 of {epochs} epochs of RecTools' SASRec",
            "data": data.name,
            "config": dataclasses.asdict(config),
            "seeds": [seed],
            "seconds": ours["fit_seconds"],
            "metrics": {**ours, "share_of_their_seconds": round(ours["fit_seconds"] / theirs["fit_seconds"], 4)},
            "baselines": {"rectools_sasrec": {**theirs, **SASREC, "packages": list(PACKAGES)}},
        }
    )
    return line


def _ours(sequences, config, target: float) -> dict[str, Any]:
    """Train until the validation NDCG@10 is `target`: what was reached, and the seconds until then."""
    from training.learner import Context
    from training.models.next_item.learner import LEARNER

    epochs: list[dict[str, float]] = []
    started = time.perf_counter()

    def after_epoch(_, metrics) -> None:
        epochs.append(dict(metrics))
        if metrics[LEARNER.watched] >= target:
            raise _Reached

    with contextlib.suppress(_Reached):
        LEARNER.fit(sequences, config, Context(say=_say, after_epoch=after_epoch))
    seconds = time.perf_counter() - started
    best = max(epoch[LEARNER.watched] for epoch in epochs)
    return {
        "ndcg@10": round(best, 6),
        "reached": best >= target,
        "epochs": len(epochs),
        "fit_seconds": round(seconds, 1),
    }


def _rectools(histories, people, targets, *, key: str, epochs: int, seed: int) -> dict[str, Any]:
    """RecTools' SASRec on the training part: NDCG@10 of the targets of some people, and the seconds of its fit.

    What it recommended is kept under `key`.
    """
    import numpy as np

    folder = Settings.from_env().home.bench / "rectools"
    out = folder / f"recommended-{key}.npz"
    if not out.with_suffix(".json").exists():
        python = _environment(folder / "venv")
        owners, codes = histories.cells()
        np.savez(folder / "train.npz", people=owners, codes=codes)
        command = [python, REPOSITORY / "bench" / "rectools_sasrec.py", "--train", folder / "train.npz", "--out", out]
        command += ["--sizes", json.dumps(SASREC), "--epochs", epochs, "--seed", seed]
        _run([str(word) for word in command], remedy="look at its last lines above")
    with np.load(out) as found:
        recommended = found["people"], found["codes"], found["ranks"]
    details = json.loads(out.with_suffix(".json").read_text())
    return {"ndcg@10": round(ndcg(*recommended, people=people, targets=targets), 6), "epochs": epochs, **details}


def ndcg(recommended_to, codes, ranks, *, people, targets) -> float:
    """Mean NDCG@10 over `people` of lists given as rows of (person, code, rank); each has one target code, 0 a miss."""
    import numpy as np

    target_of = np.zeros(max(int(np.max(recommended_to, initial=0)), int(people.max())) + 1, int)
    target_of[people] = targets
    hit = (codes == target_of[recommended_to]) & (codes > 0) & (ranks <= 10)
    return float((1 / np.log2(ranks[hit] + 1)).sum() / len(people))


def _environment(folder: Path) -> Path:
    """The interpreter of RecTools' environment, made where it is missing."""
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.is_file() or ready.read_text() != "\n".join(PACKAGES):
        _say(f"making the environment of RecTools in {folder}")
        venv.create(folder, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", *PACKAGES]
        _run(install, remedy="see whether packages can be installed here")
        ready.write_text("\n".join(PACKAGES))
    return python


def _run(command: list[str], *, remedy: str) -> None:
    status = subprocess.run(command, stdout=sys.stderr, check=False).returncode
    if status:
        raise ModelError(expected=f"{' '.join(command[:4])} ... to work", received=f"status {status}", remedy=remedy)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
