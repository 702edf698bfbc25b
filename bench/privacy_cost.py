"""What a step of private training costs, against a plain step on the same rows.

    python -m bench.privacy_cost

Plain and private models of the same configuration take turns, a few epochs of ready batches each; a figure is the
median of the ratios of seconds a step. Response is measured at the width of the town and on people of several rows,
the taste autoencoder with and without a hidden layer. Prints one JSON line; what it is doing goes to stderr.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from bench.result import write
from training.config import CONFIGS, read_config
from training.models.response import network as response
from training.models.taste_autoencoder import network as taste_autoencoder
from training.privacy.accounting import Privacy, Spending

NUMBERS, CATEGORIES, CODES_A_CATEGORY, ANSWERS = 10, 6, 8, 3
STEPS = 40


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.privacy_cost", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9, help="turns of both (default 9)")
    chosen = parser.parse_args()
    write(measure(chosen.rounds))


def measure(rounds: int, steps: int = STEPS) -> Mapping[str, object]:
    """The line of the benchmark."""
    cases = {
        "response, 64 people of 6 rows": _response(64, 6),
        "response, 512 people of 6 rows": _response(512, 6),
        "taste_autoencoder, 128 people, 600 items, latent 256": _taste(128, 600, hidden=0, latent=256),
        "taste_autoencoder, 512 people, 600 items, latent 256": _taste(512, 600, hidden=0, latent=256),
        "taste_autoencoder, 512 people, 5000 items, hidden 200, latent 64": _taste(512, 5000, hidden=200, latent=64),
    }
    found = {}
    for name, (models, batches) in cases.items():
        found[name] = _compare(models, batches, rounds, steps)
        print(f"{name}: {found[name]}", file=sys.stderr, flush=True)
    return {
        "bench": "privacy_cost",
        "protocol": f"seconds a step on the same rows, plain and private in turn, {rounds} turns of {steps} steps",
        "private_over_plain": found,
        "largest": max(one["ratio"] for one in found.values()),
    }


def _compare(models: list, batches: list, rounds: int, steps: int) -> dict[str, float]:
    seconds = [[], []]
    for turn in range(rounds + 1):
        for place in (0, 1) if turn % 2 else (1, 0):
            data = tf.data.Dataset.from_tensors(batches[place]).repeat(steps)
            started = time.perf_counter()
            models[place].fit(data, epochs=1, verbose=0)
            if turn:  # the first turn traces the step
                seconds[place].append((time.perf_counter() - started) / steps)
    plain, private = np.array(seconds)
    return {
        "ratio": round(float(np.median(private / plain)), 3),
        "plain_milliseconds": round(1000 * float(np.median(plain)), 3),
        "private_milliseconds": round(1000 * float(np.median(private)), 3),
    }


def _spending(people: int) -> Spending:
    """Noise as of an epsilon of about 3; what it is does not change the seconds."""
    return Spending(3.0, 1e-5, 5.0, 0.25, 100, 6.0, 0.0, 4 * people)


def _response(people: int, rows: int) -> tuple[list, list]:
    config = dataclasses.replace(read_config(CONFIGS / "response.yml", response.ResponseConfig), privacy=Privacy(3.0))
    random = np.random.default_rng(1)
    count = people * rows
    firsts = np.arange(CATEGORIES, dtype="int32") * CODES_A_CATEGORY
    inputs = (
        random.standard_normal((count, 2 * NUMBERS), dtype="float32"),
        firsts + random.integers(0, CODES_A_CATEGORY, (count, CATEGORIES), dtype="int32"),
    )
    labels = (random.random((count, ANSWERS)) < 0.1).astype("float32")
    shapes = {
        "numbers": 2 * NUMBERS,
        "codes": CATEGORIES * CODES_A_CATEGORY,
        "unknown_codes": firsts,
        "positive_shares": np.full(ANSWERS, 0.1),
    }
    models = [response.build(config, **shapes, spent=spent) for spent in (None, _spending(people))]
    places = np.arange(count, dtype="int32").reshape(people, rows)
    return models, [(inputs, labels, np.ones(count, "float32")), (inputs, (labels, places))]


def _taste(people: int, items: int, **sizes: int) -> tuple[list, list]:
    plain = read_config(CONFIGS / "taste_autoencoder.yml", taste_autoencoder.TasteAutoencoderConfig)
    config = dataclasses.replace(plain, privacy=Privacy(3.0), **sizes)
    rows = (np.random.default_rng(1).random((people, items)) < 20 / items).astype("float32")
    counts = np.full(items, 10.0)
    models = [taste_autoencoder.build(config, counts, spent=spent) for spent in (None, _spending(people))]
    return models, [(rows,), (rows,)]


if __name__ == "__main__":
    main()
