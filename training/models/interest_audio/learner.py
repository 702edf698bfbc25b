"""How `interest_audio` is trained and measured: sounds of items in, calibrated probabilities of categories out."""

from __future__ import annotations

import io
import wave
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd

from training.baselines import each_baseline
from training.learner import Context, Measured
from training.media.batches import batch_and_steps
from training.media.labelled import Labelled
from training.media.learner import (
    FittedInterests,
    InterestLearner,
    answers_signature,
    fit_classifier,
    majority_chances,
    measured,
)
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

    def fit(self, data: Labelled, config: InterestAudioConfig, context: Context) -> FittedInterests:
        training, validation = data.part(Part.TRAIN), data.part(Part.VALIDATION)
        net, temperature, epochs = fit_net(training, validation, len(data.categories), config, context)
        return FittedInterests(net, data.categories, temperature, epochs)

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

    def baselines(self, data: Labelled) -> Mapping[str, Measured]:
        training, (sounds, labels) = data.part(Part.TRAIN), data.part(Part.TEST)
        categories = len(data.categories)
        return each_baseline(
            self.name,
            {
                "majority_category": lambda: measured(majority_chances(training[1], len(labels), categories), labels),
                "mel_logistic": lambda: measured(mel_logistic(*training, sounds, categories), labels),
            },
        )

    def example(self, data: Labelled) -> pd.DataFrame:
        """Sounds of two items, which belong to no person."""
        return pd.DataFrame({"sound": [_wav(sound) for sound in data.part(Part.TRAIN)[0][:2]]})


def fit_net(
    training: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    categories: int,
    config: InterestAudioConfig,
    context: Context,
) -> tuple[keras.Model, float, list[dict[str, float]]]:
    """Train a net.

    Args:
        training: samples, int16 (sounds, SAMPLES), and labels (sounds,).
        validation: the same of the validation part.
        categories: number of categories.

    Returns:
        The served net, from samples to logits; its temperature; its epochs.
    """
    steps = batch_and_steps(len(training[1]), config.batch_size)[1]
    model = build(config, categories, steps=steps * config.epochs)
    served = classifier(model, voices=config.voices)
    batches = sound_batches(*training, categories, config)
    temperature, epochs = fit_classifier(model, served, batches, validation, config, context)
    return served, temperature, epochs


def _wav(samples: np.ndarray) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setparams((1, 2, RATE, len(samples), "NONE", "not compressed"))
        file.writeframes(samples.astype("<i2").tobytes())
    return stream.getvalue()


LEARNER = InterestAudioLearner()
