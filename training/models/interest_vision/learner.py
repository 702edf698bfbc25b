"""How `interest_vision` is trained and measured: photos of items in, calibrated probabilities of categories out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pyarrow.dataset
from PIL import Image
from sklearn.metrics import f1_score

from contracts.lake import Lake
from contracts.settings import Settings
from training.baselines import each_baseline
from training.learner import Context, Fitted, Learner, Measured, Predictor, Signature
from training.loop import train_epochs
from training.metrics.calibration import calibrated, expected_calibration_error, fit_temperature, log_loss_of_logits
from training.models.interest_vision.augmentation import batch_and_steps, photo_batches
from training.models.interest_vision.baselines import PHOTOS_A_BATCH, majority_chances, pixels_logistic, resized
from training.models.interest_vision.network import InterestVisionConfig, build, classifier
from training.models.interest_vision.photos import Photos, labelled_photos
from training.parts import Part
from training.privacy.membership import AttackSignals, sample

LEAST_CHANCE = 1e-6
"""Least probability in the log loss; a category that the model does not know counts with it too."""

ATTACKED_PHOTOS = 300
"""Most members, and most strangers, in the membership attack."""

_BASELINE_SIDE = 8
_WATCHED = "validation_accuracy_tied_by_log_loss"


@dataclass(frozen=True)
class FittedInterestVision(Fitted):
    """A net with its best weights, and the temperature that calibrates it."""

    net: keras.Model
    """Photos (batch, height, width, channels), uint8, to logits (batch, categories)."""
    categories: np.ndarray
    temperature: float
    epochs: Sequence[Mapping[str, float]]

    def score(self, photos: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (photos, categories) for uint8 (photos, height, width, channels)."""
        return calibrated(logits_of(self.net, photos), self.temperature)

    def save(self, folder: Path) -> Mapping[str, Path]:
        net, answers = folder / "net.keras", folder / "answers.json"
        self.net.save(net)
        answers.write_text(json.dumps({"categories": self.categories.tolist(), "temperature": self.temperature}))
        return {"net": net, "answers": answers}


class InterestVisionLearner(Learner):
    """Learns the category of a photo from the photos of items.

    `score` takes uint8 (photos, STORED_PIXELS, STORED_PIXELS, 3) and returns probabilities (photos, categories), in the
    order of the model's attribute `categories`.
    """

    name = "interest_vision"
    table = "training_pictures"
    unit = "pictures"
    watched = _WATCHED
    config = InterestVisionConfig
    signature = Signature(
        inputs={"picture": "binary"},
        outputs={
            "category": "string",
            "confidence": "double",
            "probabilities": "array<double>",
            "categories": "array<string>",
        },
    )

    def load(self, settings: Settings, ds: str) -> Photos:
        made_by = f"python -m dbt_project.build --ds {ds}"
        partition = Lake(settings.home.lake).require(self.table, ds, made_by=made_by)
        columns = ["picture_id", "path", "category"]
        # The photo of an item belongs to no person, so that its training requires no consent.
        table = pyarrow.dataset.dataset(partition, format="parquet").to_table(columns=columns).to_pandas()
        return labelled_photos(table, settings.raw)

    def fit(self, data: Photos, config: InterestVisionConfig, context: Context) -> FittedInterestVision:
        training, validation = data.part(Part.TRAIN), data.part(Part.VALIDATION)
        net, temperature, epochs = fit_net(training, validation, len(data.categories), config, context)
        return FittedInterestVision(net, data.categories, temperature, epochs)

    def measure(self, model: Predictor, data: Photos) -> Measured:
        pixels, labels = data.part(Part.TEST)
        places = pd.Index(model.categories).get_indexer(pd.Index(data.categories))
        places = np.where(places < 0, -1 - np.arange(len(places)), places)  # each unknown category a label of its own
        return measured(model.score(pixels), places[labels])

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

    def membership_scores(self, model: Predictor, data: Photos) -> AttackSignals:
        """An attack by loss on photos of the training part and of the test part."""
        seen = []
        for part in (Part.TRAIN, Part.TEST):
            pixels, labels = data.part(part)
            chosen = sample(np.arange(len(labels)), ATTACKED_PHOTOS)
            chances = model.score(pixels[chosen])[np.arange(len(chosen)), labels[chosen]]
            seen.append({"loss": np.log(np.maximum(chances, LEAST_CHANCE))})
        return AttackSignals("photos", *seen)

    def baselines(self, data: Photos) -> Mapping[str, Measured]:
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

    def slices(self, data: Photos) -> pd.DataFrame:
        return pd.DataFrame({"category": data.categories[data.part(Part.TEST)[1]]})

    def parity_inputs(self, fitted: FittedInterestVision, data: Photos) -> tuple[np.ndarray, ...]:  # noqa: ARG002
        return (data.part(Part.TEST)[0][:8],)

    def example(self, data: Photos) -> pd.DataFrame:
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
    steps = batch_and_steps(len(training[1]), config)[1]
    model = build(config, categories, steps=steps * config.epochs)
    served = classifier(model, training[0].shape[1:], mirror=config.mirror)

    def validate() -> dict[str, float]:
        logits = logits_of(served, validation[0])
        accuracy = float((logits.argmax(axis=1) == validation[1]).mean())
        log_loss = log_loss_of_logits(logits, validation[1])
        # Validation parts are so small that many epochs have the same accuracy; of those, the best log loss decides.
        tied = accuracy - 1e-4 * min(log_loss, 10.0)
        return {_WATCHED: tied, "validation_accuracy": accuracy, "validation_log_loss": log_loss}

    epochs = train_epochs(
        model,
        photo_batches(resized(training[0], model.input_shape[1:]), training[1], categories, config),
        validate=validate,
        watched=_WATCHED,
        epochs=config.epochs,
        patience=config.patience,
        minutes=config.minutes,
        context=context,
    )
    return served, fit_temperature(logits_of(served, validation[0]), validation[1]), epochs


def logits_of(net: keras.Model, photos: np.ndarray) -> np.ndarray:
    """Logits (photos, categories), computed batch by batch."""
    if len(photos) == 0:
        return np.empty((0, net.output_shape[-1]), dtype="float32")
    return net.predict(photos, batch_size=PHOTOS_A_BATCH, verbose=0)


def measured(chances: np.ndarray, labels: np.ndarray) -> Measured:
    """Probabilities (photos, categories) against labels (photos,); a negative label is a category that is unknown.

    An unknown category counts as wrong, with a chance of 0.
    """
    predicted = chances.argmax(axis=1)
    right = predicted == labels
    of_label = np.where(labels >= 0, chances[np.arange(len(labels)), np.maximum(labels, 0)], 0.0)
    return Measured(
        metric="accuracy",
        values=right.astype("float64"),
        metrics={
            "accuracy": float(right.mean()),
            "log_loss": float(-np.log(np.maximum(of_label, LEAST_CHANCE)).mean()),
            "ece": expected_calibration_error(chances, labels),
            "macro_f1": float(f1_score(labels, predicted, labels=np.unique(labels), average="macro", zero_division=0)),
        },
    )


def _png(pixels: np.ndarray) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()


LEARNER = InterestVisionLearner()
