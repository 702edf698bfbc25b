"""How `interest_audio` is trained and measured: sounds of items in, calibrated probabilities of categories out."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd

from training.media.labelled import Labelled
from training.media.learner import InterestLearner, answers_signature
from training.models.interest_audio.augmentation import sound_batches
from training.models.interest_audio.baselines import mel_logistic
from training.models.interest_audio.network import InterestAudioConfig, build, classifier
from training.models.interest_audio.pyfunc import RATE
from training.models.interest_audio.sounds import SOUNDS
from training.parts import Part


class InterestAudioLearner(InterestLearner):
    """Learns the category of a sound from the sounds of items.

    `score` takes int16 (sounds, SAMPLES) and returns probabilities (sounds, categories), in the order of the model's
    attribute `categories`.
    """

    name = "interest_audio"
    table = "training_sounds"
    unit = "sounds"
    kind = SOUNDS
    config = InterestAudioConfig
    signature = answers_signature("sound", remark=True)

    def prepared(
        self, training: tuple[np.ndarray, np.ndarray], categories: int, config: InterestAudioConfig, *, steps: int
    ) -> tuple[keras.Model, keras.Model, Iterable]:
        model = build(config, categories, steps=steps)
        served = classifier(model, voices=config.voices)
        return model, served, sound_batches(*training, categories, config)

    def search_space(self, trial: Any) -> dict[str, Any]:
        return {
            "width": trial.suggest_categorical("width", [8, 12, 16, 20]),
            "dropout": trial.suggest_float("dropout", 0.0, 0.5, step=0.1),
            "label_smoothing": trial.suggest_float("label_smoothing", 0.0, 0.2, step=0.05),
            "stretch": trial.suggest_float("stretch", 0.0, 0.4, step=0.1),
            "warp": trial.suggest_float("warp", 0.0, 0.4, step=0.1),
            "equalise_db": trial.suggest_float("equalise_db", 0.0, 12.0, step=3.0),
            "learning_rate": trial.suggest_float("learning_rate", 1e-3, 2e-2, log=True),
            "weight_decay": trial.suggest_float("weight_decay", 1e-3, 0.2, log=True),
        }

    def requirements(self) -> Sequence[str]:
        return ("scipy",)

    def simple_chances(
        self, training: tuple[np.ndarray, np.ndarray], values: np.ndarray, categories: int
    ) -> Mapping[str, Callable[[], np.ndarray]]:
        return {"mel_logistic": lambda: mel_logistic(*training, values, categories)}

    def example(self, data: Labelled) -> pd.DataFrame:
        """Sounds of two items, which belong to no person."""
        return pd.DataFrame({"sound": [_wav(sound) for sound in data.part(Part.TRAIN)[0][:2]]})


def _wav(samples: np.ndarray) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setparams((1, 2, RATE, len(samples), "NONE", "not compressed"))
        file.writeframes(samples.astype("<i2").tobytes())
    return stream.getvalue()


LEARNER = InterestAudioLearner()
