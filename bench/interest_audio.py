"""How well the interest net for sounds tells spoken digits of a speaker whom it never heard.

    python -m bench.interest_audio --data ../shared/data/audio/spoken_digits.tar.gz \\
        --config training/configs/spoken_digits_interest_audio.yml --seeds 1 2 3

The file is the free-spoken-digit-dataset as a .tar.gz: 3,000 recordings of ten digits by six speakers, WAV files named
<digit>_<speaker>_<number>.wav (CC BY-SA 4.0). Each speaker is held out once: the net learns from the other five, of
whose recordings one in `VALIDATION_OF` chooses the epoch and fits the temperature, and the sixth speaker's are answered
once. Random splits, in which a speaker is on both sides, flatter.

With --validate, for tuning, a fold leaves its speaker alone altogether: it learns from four of the five others and
answers the fifth, the next by name.

Beside it, in the same run and on the same recordings: logistic regression on mean and spread of the log-mel bands, and
the five nearest recordings by those of the MFCCs.
"""

from __future__ import annotations

import argparse
import dataclasses
import tarfile
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
from training.media.learner import logits_of, measured
from training.metrics.calibration import calibrated
from training.models.interest_audio.baselines import mel_logistic, mfcc_neighbours
from training.models.interest_audio.learner import LEARNER
from training.models.interest_audio.network import InterestAudioConfig
from training.models.interest_audio.pyfunc import BYTES_READ, read_sound

CATEGORIES = 10

VALIDATION_OF = 12
"""One in so many recordings of the speakers who are learned from, by a fixed seed, is the validation part."""

_DRAWN_BY = 20_260_101


@dataclasses.dataclass(frozen=True)
class Recordings:
    """Spoken digits, by the names of their files."""

    sounds: np.ndarray
    """int16 (recordings, SAMPLES)"""
    digits: np.ndarray
    """(recordings,)"""
    speakers: np.ndarray
    """Names (recordings,)."""

    def of(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.sounds[chosen], self.digits[chosen]


def main() -> None:
    parser = argparse.ArgumentParser(
        "bench.interest_audio", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="the .tar.gz of the data set")
    parser.add_argument("--config", type=Path, metavar="FILE", help="parameters; by default those of the code")
    parser.add_argument("--seeds", type=int, nargs="+", metavar="N", help="by default the seed of the file")
    parser.add_argument("--speakers", nargs="+", metavar="NAME", help="hold out these alone; by default each in turn")
    parser.add_argument("--validate", action="store_true", help="leave the held-out speakers alone, for tuning")
    chosen = parser.parse_args()
    exit_with_sentence(lambda: run(chosen.data, chosen.config, chosen.seeds, chosen.speakers, validate=chosen.validate))


def run(
    file: Path,
    config_file: Path | None,
    seeds: list[int] | None,
    held_out: list[str] | None = None,
    *,
    validate: bool = False,
    say: Callable[[str], None] = say,
) -> None:
    """Train once a speaker and seed, and write one result.

    Raises:
        ModelError: the file is missing or not of the data set, one of the speakers is not in it, or the configuration
            is mistaken.
    """
    started = time.monotonic()
    config = InterestAudioConfig() if config_file is None else read_config(config_file, InterestAudioConfig)
    recordings = read_recordings(file)
    speakers = sorted(set(recordings.speakers.tolist()))
    held_out, seeds = held_out or speakers, seeds or [config.seed]
    if unknown := sorted(set(held_out) - set(speakers)):
        raise ModelError(
            expected=f"speakers among {', '.join(speakers)}", received=", ".join(unknown), remedy="correct --speakers"
        )
    names = "each" if held_out == speakers else ", ".join(held_out)
    folds, baselines = [], []
    for seed in seeds:
        for speaker in held_out:
            asked = speakers[(speakers.index(speaker) + 1) % len(speakers)] if validate else speaker
            parts = split(recordings, left_out={speaker, asked}, asked=asked)
            seeded = dataclasses.replace(config, seed=seed)
            folds.append({"seed": seed, "speaker": asked, **one_training(seeded, *parts)})
            say(f"seed {seed}, {asked} not heard before: accuracy {folds[-1]['accuracy']:.4f}")
            if seed == seeds[0]:
                baselines.append(baselines_of(parts[0], parts[2]))
    by_seed = [np.mean([fold["accuracy"] for fold in folds if fold["seed"] == seed]) for seed in seeds]
    write(
        {
            "bench": "interest_audio",
            "protocol": f"{len(speakers)} speakers, {names} held out once"
            + (" and left alone: the next by name is answered, four are learned from" if validate else ""),
            "data": file.name,
            "config": dataclasses.asdict(config),
            "seeds": seeds,
            "seconds": round(time.monotonic() - started, 1),
            "metrics": {
                name: float(np.mean([fold[name] for fold in folds]))
                for name in ("accuracy", "log_loss", "ece", "macro_f1", "weights", "training_processor_seconds")
            },
            "accuracy_by_seed": [float(accuracy) for accuracy in by_seed],
            "accuracy_by_speaker": {
                speaker: float(np.mean([fold["accuracy"] for fold in folds if fold["speaker"] == speaker]))
                for speaker in sorted({fold["speaker"] for fold in folds})
            },
            "folds": folds,
            "baselines": {
                name: {"accuracy": float(np.mean([fold[name] for fold in baselines]))} for name in baselines[0]
            },
        },
        keep=not validate,
    )


Part = tuple[np.ndarray, np.ndarray]
"""Sounds, int16 (recordings, SAMPLES), and digits (recordings,)."""


def split(recordings: Recordings, *, left_out: set[str], asked: str) -> tuple[Part, Part, Part]:
    """What is learned from, what chooses the epoch, and the recordings of the speaker who is asked."""
    learned = np.flatnonzero(~np.isin(recordings.speakers, sorted(left_out)))
    learned = np.random.default_rng(_DRAWN_BY).permutation(learned)
    held_out = max(len(learned) // VALIDATION_OF, 1)
    return (
        recordings.of(learned[held_out:]),
        recordings.of(learned[:held_out]),
        recordings.of(recordings.speakers == asked),
    )


def one_training(config: InterestAudioConfig, learned: Part, checked: Part, asked: Part) -> dict[str, float]:
    """Figures of one speaker and seed."""
    started, processor = time.monotonic(), time.process_time()
    net, temperature, _ = LEARNER.fit_net(learned, checked, CATEGORIES, config, Context(say=lambda _: None))
    seconds, processor = time.monotonic() - started, time.process_time() - processor
    after = measured(calibrated(logits_of(net, asked[0]), temperature), asked[1])
    return {
        **after.metrics,
        "weights": net.count_params(),
        "training_seconds": round(seconds, 1),
        "training_processor_seconds": round(processor, 1),
    }


def baselines_of(learned: Part, asked: Part) -> dict[str, float]:
    """Accuracy of each baseline on the same recordings."""
    return {
        "logistic regression on mean and spread of log-mel bands": measured(
            mel_logistic(*learned, asked[0], CATEGORIES), asked[1]
        ).value,
        "5 nearest by mean and spread of MFCCs": measured(
            mfcc_neighbours(*learned, asked[0], CATEGORIES), asked[1]
        ).value,
    }


def read_recordings(file: Path) -> Recordings:
    """All recordings, by name.

    Raises:
        ModelError: no such archive, or not a recording of at least three speakers in it that can be heard.
    """
    found = {}
    try:
        with tarfile.open(file) as archive:
            for member in archive:
                name = Path(member.name)
                if name.suffix != ".wav" or not member.isfile():
                    continue
                digit, speaker, _ = name.stem.split("_", 2)
                sound, _ = read_sound(archive.extractfile(member).read(BYTES_READ))
                if sound is not None:
                    found[name.stem] = (sound, int(digit), speaker)
    except (OSError, EOFError, ValueError, tarfile.TarError) as error:
        raise _no_recordings(file, str(error)) from error
    if len({speaker for _, _, speaker in found.values()}) < 3:
        raise _no_recordings(file, f"{len(found)} recordings of fewer than three speakers that can be heard")
    sounds, digits, speakers = zip(*(found[name] for name in sorted(found)), strict=True)
    return Recordings(np.stack(sounds), np.array(digits), np.array(speakers))


def _no_recordings(file: Path, received: str) -> ModelError:
    return ModelError(
        expected=f"a .tar.gz {file} of WAV files named <digit>_<speaker>_<number>.wav",
        received=received,
        remedy="fetch the free-spoken-digit-dataset, and pack its folder recordings",
    )


if __name__ == "__main__":
    main()
