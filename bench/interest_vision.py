"""How well and how fast the interest net learns Fashion-MNIST (Xiao et al., 2017, arXiv:1708.07747).

    python -m bench.interest_vision --data /usr/share/datasets/fashion-mnist \\
        --config training/configs/fashion_mnist_interest_vision.yml --minutes 10

The folder holds the four files of the data set, as the Debian package dataset-fashion-mnist installs them. Of the
60,000 training pictures, 5,000 drawn by a fixed seed are the validation part, which chooses the best epoch and fits the
temperature; the 10,000 test pictures are answered once. The number of epochs is what fits into the minutes at the
speed of the first batches, at most that of the configuration. Beside it, in the same run: logistic regression on
14 x 14 pixels of 20,000 training pictures.
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.result import write
from contracts.entry_point import exit_with_sentence
from contracts.errors import ModelError
from contracts.report import say
from training.config import read_config
from training.learner import Context
from training.media.batches import batch_and_steps
from training.media.learner import logits_of, measured
from training.metrics.calibration import calibrated, expected_calibration_error
from training.models.interest_vision.augmentation import photo_batches
from training.models.interest_vision.baselines import pixels_logistic
from training.models.interest_vision.learner import LEARNER
from training.models.interest_vision.network import InterestVisionConfig, build

CATEGORIES = 10
VALIDATION_PHOTOS = 5000
BASELINE_PHOTOS = 20_000

_DRAWN_BY = 20_260_101
"""Seed of the validation part: the same pictures for every configuration and seed."""

_BASELINE_SIDE = 14
_STEPS_BEFORE, _STEPS_TIMED = 10, 40
_SHARE_FOR_VALIDATION = 0.07
"""Share of the time that answering the validation pictures after every epoch takes."""


def main() -> None:
    parser = argparse.ArgumentParser(
        "bench.interest_vision", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="folder of the four .gz files")
    parser.add_argument("--config", type=Path, metavar="FILE", help="parameters; by default those of the code")
    parser.add_argument("--minutes", type=float, help="time of one training; by default all epochs of the file")
    parser.add_argument("--seeds", type=int, nargs="+", metavar="N", help="by default the seed of the file")
    parser.add_argument("--validate", action="store_true", help="leave the test pictures alone, for tuning")
    chosen = parser.parse_args()
    exit_with_sentence(lambda: run(chosen.data, chosen.config, chosen.minutes, chosen.seeds, validate=chosen.validate))


def run(
    folder: Path,
    config_file: Path | None,
    minutes: float | None,
    seeds: list[int] | None,
    *,
    validate: bool = False,
    say: Callable[[str], None] = say,
) -> None:
    """Train once a seed and write one result.

    Raises:
        ModelError: a file is missing or no picture file of the data set, or the configuration is mistaken.
    """
    started = time.monotonic()
    config = InterestVisionConfig() if config_file is None else read_config(config_file, InterestVisionConfig)
    pixels, labels = read_part(folder, "train")
    order = np.random.default_rng(_DRAWN_BY).permutation(len(labels))
    held_out = max(min(VALIDATION_PHOTOS, len(labels) // 12), 1)
    training, validation = order[held_out:], order[:held_out]
    learned = (pixels[training], labels[training])
    checked = (pixels[validation], labels[validation])
    tested = checked if validate else read_part(folder, "t10k")

    config = dataclasses.replace(config, size_pixels=pixels.shape[1], channels=1)
    per_seed = []
    for seed in seeds or [config.seed]:
        seeded = dataclasses.replace(config, seed=seed)
        per_seed.append(one_training(seeded, learned, checked, tested, minutes, say))
    baseline = order[held_out:][:BASELINE_PHOTOS]
    chances = pixels_logistic(pixels[baseline], labels[baseline], tested[0], CATEGORIES, side=_BASELINE_SIDE)
    write(
        {
            "bench": "interest_vision",
            "protocol": f"{len(training)} training, {held_out} validation and {len(tested[1])} "
            f"{'validation again instead of test' if validate else 'test'} pictures of 28 x 28 in grey",
            "data": folder.name,
            "config": dataclasses.asdict(config),
            "minutes": minutes,
            "seeds": seeds or [config.seed],
            "seconds": round(time.monotonic() - started, 1),
            "metrics": {name: float(np.mean([one[name] for one in per_seed])) for name in per_seed[0]},
            "per_seed": per_seed,
            "baselines": {
                f"logistic regression on {_BASELINE_SIDE} x {_BASELINE_SIDE} pixels of {len(baseline)} pictures": dict(
                    measured(chances, tested[1]).metrics
                )
            },
        },
        keep=not validate,
    )


def one_training(
    config: InterestVisionConfig,
    learned: tuple[np.ndarray, np.ndarray],
    checked: tuple[np.ndarray, np.ndarray],
    tested: tuple[np.ndarray, np.ndarray],
    minutes: float | None,
    say: Callable[[str], None],
) -> dict[str, float]:
    """Figures of one seed; what the training took includes finding out how many epochs fit."""
    started, processor = time.monotonic(), time.process_time()
    if minutes is not None:
        config = dataclasses.replace(config, epochs=epochs_within(minutes * 60, learned, config, say))
    net, temperature, epochs = LEARNER.fit_net(learned, checked, CATEGORIES, config, Context(say=say))
    seconds, processor = time.monotonic() - started, time.process_time() - processor
    logits = logits_of(net, tested[0])
    after = measured(calibrated(logits, temperature), tested[1])
    best = max(epochs, key=lambda epoch: epoch["validation_accuracy_tied_by_log_loss"])
    return {
        **after.metrics,
        "ece_before_temperature": expected_calibration_error(calibrated(logits, 1.0), tested[1]),
        "temperature": temperature,
        "validation_accuracy": best["validation_accuracy"],
        "weights": net.count_params(),
        "epochs": len(epochs),
        "training_seconds": round(seconds, 1),
        "training_processor_seconds": round(processor, 1),
    }


def epochs_within(
    seconds: float,
    learned: tuple[np.ndarray, np.ndarray],
    config: InterestVisionConfig,
    say: Callable[[str], None],
) -> int:
    """How many epochs of the schedule can be trained in that time, at least one, at most those of the configuration."""
    started = time.monotonic()
    steps = batch_and_steps(len(learned[1]), config.batch_size)[1]
    net = build(config, CATEGORIES, steps=steps)
    before, timed = min(_STEPS_BEFORE, steps), min(_STEPS_TIMED, steps)
    batches = photo_batches(*learned, CATEGORIES, config)
    net.fit(batches.take(before), shuffle=False, verbose=0)
    begun = time.monotonic()
    net.fit(batches.take(timed), shuffle=False, verbose=0)
    an_epoch = (time.monotonic() - begun) / timed * steps * (1 + _SHARE_FOR_VALIDATION)
    left = seconds - 2 * (begun - started)  # the training itself compiles its steps once more
    epochs = int(np.clip(left // an_epoch, 1, config.epochs))
    say(f"an epoch takes about {an_epoch:.0f} s: {epochs} epochs")
    return epochs


def read_part(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels, uint8 (pictures, 28, 28, 1), and labels 0 to 9 (pictures,) of the part `train` or `t10k`."""
    pixels = _read_idx(folder / f"{part}-images-idx3-ubyte.gz", dimensions=3)[..., None]
    labels = _read_idx(folder / f"{part}-labels-idx1-ubyte.gz", dimensions=1).astype("int64")
    if len(pixels) != len(labels) or len(labels) < 2:
        raise ModelError(
            expected=f"as many pictures as labels of {part} in {folder}",
            received=f"{len(pixels)} and {len(labels)}",
            remedy="fetch the data set again",
        )
    return pixels, labels


def _read_idx(file: Path, *, dimensions: int) -> np.ndarray:
    """An array of bytes in the format of MNIST: two zeros, 8 for bytes, the number of dimensions, sizes, values."""
    try:
        content = gzip.decompress(file.read_bytes())
        shape = tuple(np.frombuffer(content, ">u4", count=dimensions, offset=4).tolist())
        if content[:4] != bytes([0, 0, 8, dimensions]):
            raise ValueError(f"the first bytes {content[:4].hex()}")
        return np.frombuffer(content, "uint8", offset=4 + 4 * dimensions).reshape(shape)
    except (OSError, EOFError, ValueError) as error:
        raise ModelError(
            expected=f"the picture or label file {file} of Fashion-MNIST",
            received=str(error),
            remedy="install the Debian package dataset-fashion-mnist: /usr/share/datasets/fashion-mnist",
        ) from error


if __name__ == "__main__":
    main()
