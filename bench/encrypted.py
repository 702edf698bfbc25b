"""A partner's scoring of encrypted profile vectors beside the same scores without encryption: error and time.

    python -m bench.encrypted --people 1000 4096 --seeds 1 2 3

Made-up vectors, standard normal and cut at five spreads, of 38 features, which is six habits and a taste vector of 32;
ten segments, each of about a tenth of the people; weights standard normal. Seconds are of one run each, all of it
single-threaded but what SEAL does itself, and the median of the seeds. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.result import write
from contracts.entry_point import exit_with_sentence
from privacy.encrypted import owner, partner
from privacy.encrypted.ciphertexts import Box
from privacy.encrypted.profile_vectors import LIMIT, Vectors

FEATURES, SEGMENTS = 38, 10
DS = "2026-01-01"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.encrypted", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, nargs="+", default=[1000, 4096], help="(default 1000 4096)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="one run each (default 1 2 3)")
    chosen = parser.parse_args()
    exit_with_sentence(lambda: write(measure(chosen.people, chosen.seeds)))


def measure(sizes: Sequence[int], seeds: Sequence[int]) -> dict[str, Any]:
    """The line of the benchmark."""
    return {
        "bench": "encrypted",
        "protocol": "CKKS, 128 bits, one ciphertext a feature and 4,096 people; relative error: length of the "
        "difference over length of the plain scores; largest error: of one person, over the largest plain score",
        "features": FEATURES,
        "segments": SEGMENTS,
        "seeds": list(seeds),
        "people": {str(size): _summed_up([_one(size, seed) for seed in seeds], size) for size in sizes},
    }


def _one(people: int, seed: int) -> dict[str, float]:
    """Seconds of each step, and errors."""
    random = np.random.default_rng(seed)
    names = tuple(f"feature_{place}" for place in range(FEATURES))
    vectors = Vectors(
        person_ids=np.array([f"p{number:016x}" for number in range(people)]),
        features=names,
        values=random.standard_normal((people, FEATURES)).clip(-LIMIT, LIMIT),
        segments={f"segment_{place}": random.random(people) < 0.1 for place in range(SEGMENTS)},
    )
    with tempfile.TemporaryDirectory() as root:
        folder = owner.Folder(Path(root))
        file = Path(root) / "head.json"
        weights = dict(zip(names, random.standard_normal(FEATURES).tolist(), strict=True))
        file.write_text(json.dumps({"bias": float(random.standard_normal()), "weights": weights}))
        head = partner.read_head(file, list(names))
        seconds = {"keys": _timed(lambda: owner.make_keys(folder))[0]}
        seconds["encrypt"] = _timed(lambda: owner.encrypt(folder, DS, vectors, smallest_group=1))[0]
        key, box = folder.public_key.read_bytes(), Box(folder.vectors(DS), made_by="")
        seconds["score"] = _timed(lambda: partner.score(key, box, head, folder.answer("scores", DS)))[0]
        seconds["sums"] = _timed(lambda: partner.sums(key, box, head, folder.answer("sums", DS)))[0]
        seconds["decrypt"], scores = _timed(lambda: owner.decrypt_scores(folder, DS)["score"].to_numpy())
        seconds["plain"], plain = _timed(lambda: owner.plain_scores(vectors, head))
        sums = owner.decrypt_sums(folder, DS)["segments"]
        sent = folder.vectors(DS).stat().st_size
    plain_sums = np.array([plain[members].sum() for members in vectors.segments.values()])
    found_sums = np.array([sums[name]["sum"] for name in vectors.segments])
    return {
        **seconds,
        "relative_error": owner.relative_error(scores, plain),
        "largest_error": float(np.abs(scores - plain).max() / np.abs(plain).max()),
        "sums_relative_error": owner.relative_error(found_sums, plain_sums),
        "megabytes_sent": sent / 2**20,
    }


def _summed_up(runs: list[dict[str, float]], people: int) -> dict[str, Any]:
    """Medians of times, in all and a thousand people; the worst of errors."""
    steps = ("keys", "encrypt", "score", "sums", "decrypt", "plain")
    median = {name: float(np.median([one[name] for one in runs])) for name in steps}
    errors = {name: max(one[name] for one in runs) for name in runs[0] if name.endswith("error")}
    return {
        "seconds": {name: round(value, 5) for name, value in median.items()},
        "seconds_a_thousand_people": {name: round(median[name] * 1000 / people, 5) for name in steps[1:]},
        **{name: float(f"{value:.2e}") for name, value in errors.items()},
        "megabytes_sent": round(runs[0]["megabytes_sent"], 1),
    }


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    answer = work()
    return time.perf_counter() - started, answer


if __name__ == "__main__":
    main()
