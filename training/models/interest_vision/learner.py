"""How `interest_vision` is trained and measured: photos of items in, calibrated probabilities of categories out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import keras
import numpy as np
import pandas as pd
from PIL import Image

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
from training.models.interest_vision.augmentation import photo_batches
from training.models.interest_vision.baselines import pixels_logistic, resized
from training.models.interest_vision.network import InterestVisionConfig, build, classifier
from training.models.interest_vision.photos import PHOTOS
from training.parts import Part

_BASELINE_SIDE = 8


class InterestVisionLearner(InterestLearner):
    """Learns the category of a photo from the photos of items.

    `score` takes uint8 (photos, STORED_PIXELS, STORED_PIXELS, 3) and returns probabilities (photos, categories), in the
    order of the model's attribute `categories`.
    """

    name = "interest_vision"
    table = "training_pictures"
    unit = "pictures"
    kind = PHOTOS
    config = InterestVisionConfig
    signature = answers_signature("picture")

    def fit(self, data: Labelled, config: InterestVisionConfig, context: Context) -> FittedInterests:
        training, validation = data.part(Part.TRAIN), data.part(Part.VALIDATION)
        net, temperature, epochs = fit_net(training, validation, len(data.categories), config, context)
        return FittedInterests(net, data.categories, temperature, epochs)

    def search_space(self, trial: Any) -> dict[str, Any]:
        return {
            "width": trial.suggest_categorical("width", [8, 16, 24, 32]),
            "blocks": trial.suggest_int("blocks", 1, 2),
            "dropout": trial.suggest_float("dropout", 0.0, 0.5, step=0.1),
            "label_smoothing": trial.suggest_float("label_smoothing", 0.0, 0.2, step=0.05),
            "erase_share": trial.suggest_float("erase_share", 0.0, 0.75, step=0.25),
            "learning_rate": trial.suggest_float("learning_rate", 1e-3, 2e-2, log=True),
            "weight_decay": trial.suggest_float("weight_decay", 1e-3, 0.2, log=True),
        }

    def requirements(self) -> Sequence[str]:
        return ("pillow",)

    def baselines(self, data: Labelled) -> Mapping[str, Measured]:
        training, (pixels, labels) = data.part(Part.TRAIN), data.part(Part.TEST)
        categories = len(data.categories)
        return each_baseline(
            self.name,
            {
                "majority_category": lambda: measured(majority_chances(training[1], len(labels), categories), labels),
                "pixels_logistic": lambda: measured(
                    pixels_logistic(*training, pixels, categories, side=_BASELINE_SIDE), labels
                ),
            },
        )

    def example(self, data: Labelled) -> pd.DataFrame:
        """Photos of two items, which belong to no person."""
        return pd.DataFrame({"picture": [_png(photo) for photo in data.part(Part.TRAIN)[0][:2]]})


def fit_net(
    training: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    categories: int,
    config: InterestVisionConfig,
    context: Context,
) -> tuple[keras.Model, float, list[dict[str, float]]]:
    """Train a net.

    Args:
        training: pixels, uint8 (photos, height, width, channels), and labels (photos,).
        validation: the same of the validation part.
        categories: number of categories.

    Returns:
        The served net, from photos of that height, width and channels to logits; its temperature; its epochs.
    """
    steps = batch_and_steps(len(training[1]), config.batch_size)[1]
    model = build(config, categories, steps=steps * config.epochs)
    served = classifier(model, training[0].shape[1:], mirror=config.mirror)
    batches = photo_batches(resized(training[0], model.input_shape[1:]), training[1], categories, config)
    temperature, epochs = fit_classifier(model, served, batches, validation, config, context)
    return served, temperature, epochs


def _png(pixels: np.ndarray) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()


LEARNER = InterestVisionLearner()
