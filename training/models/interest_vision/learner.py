"""How `interest_vision` is trained and measured: photos of items in, calibrated probabilities of categories out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any

import keras
import numpy as np
import pandas as pd
from PIL import Image

from training.media.labelled import Labelled
from training.media.learner import InterestLearner, answers_signature
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

    def prepared(
        self, training: tuple[np.ndarray, np.ndarray], categories: int, config: InterestVisionConfig, *, steps: int
    ) -> tuple[keras.Model, keras.Model, Iterable]:
        model = build(config, categories, steps=steps)
        served = classifier(model, training[0].shape[1:], mirror=config.mirror)
        batches = photo_batches(resized(training[0], model.input_shape[1:]), training[1], categories, config)
        return model, served, batches

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

    def simple_chances(
        self, training: tuple[np.ndarray, np.ndarray], values: np.ndarray, categories: int
    ) -> Mapping[str, Callable[[], np.ndarray]]:
        return {"pixels_logistic": lambda: pixels_logistic(*training, values, categories, side=_BASELINE_SIDE)}

    def example(self, data: Labelled) -> pd.DataFrame:
        """Photos of two items, which belong to no person."""
        return pd.DataFrame({"picture": [_png(photo) for photo in data.part(Part.TRAIN)[0][:2]]})


def _png(pixels: np.ndarray) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()


LEARNER = InterestVisionLearner()
