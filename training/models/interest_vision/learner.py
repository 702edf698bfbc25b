"""`interest_vision` as a learner: pictures of items in, the category that a picture shows out, with honest chances."""

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
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from contracts.lake import Lake
from contracts.settings import Settings
from training.learner import Context, Fitted, Learner, Measured, Predictor, Signature
from training.loop import train_epochs
from training.metrics.calibration import calibrated, expected_calibration_error, fit_temperature, log_loss_of_logits
from training.models.interest_vision.network import InterestVisionConfig, build, namer, reducer
from training.models.interest_vision.photos import (
    Pictures,
    batch_and_steps,
    labelled_pictures,
    picture_batches,
)
from training.parts import Part
from training.privacy.membership import Attacked, sample

LEAST_CHANCE = 1e-6
"""A category that a model gives less chance, or does not know, counts in the log loss as if it had this chance."""

PICTURES_A_BATCH = 256

ATTACKED_PICTURES = 300
"""Most pictures, learned from and not, that the membership attack looks at."""

_BASELINE_SIDE = 8
_WATCHED = "validation_accuracy_tied_by_log_loss"


@dataclass(frozen=True)
class FittedInterestVision(Fitted):
    """A net with its best weights, and the temperature that makes its chances come true."""

    net: keras.Model
    """Pictures (batch, height, width, channels), uint8, to logits (batch, categories)."""
    categories: np.ndarray
    temperature: float
    epochs: Sequence[Mapping[str, float]]

    def score(self, pictures: np.ndarray) -> np.ndarray:
        """Calibrated chances of each category (pictures, categories) for uint8 (pictures, height, width, channels)."""
        return calibrated(logits_of(self.net, pictures), self.temperature)

    def save(self, folder: Path) -> Mapping[str, Path]:
        net, answers = folder / "net.keras", folder / "answers.json"
        self.net.save(net)
        answers.write_text(json.dumps({"categories": self.categories.tolist(), "temperature": self.temperature}))
        return {"net": net, "answers": answers}


class InterestVisionLearner(Learner):
    """The category of a picture, learned from the pictures of items.

    `score` takes uint8 (pictures, STORED_PIXELS, STORED_PIXELS, 3) and gives chances (pictures, categories), in the
    order of the attribute `categories` of the model.
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

    def load(self, settings: Settings, ds: str) -> Pictures:
        made_by = f"python -m dbt_project.build --ds {ds}"
        partition = Lake(settings.home.lake).require(self.table, ds, made_by=made_by)
        columns = ["picture_id", "path", "category"]
        # A picture of an item belongs to no person, so that no consent stands between it and training.
        table = pyarrow.dataset.dataset(partition, format="parquet").to_table(columns=columns).to_pandas()
        return labelled_pictures(table, settings.raw)

    def fit(self, data: Pictures, config: InterestVisionConfig, context: Context) -> FittedInterestVision:
        training, validation = data.part(Part.TRAIN), data.part(Part.VALIDATION)
        net, temperature, epochs = fit_net(training, validation, len(data.categories), config, context)
        return FittedInterestVision(net, data.categories, temperature, epochs)

    def measure(self, model: Predictor, data: Pictures) -> Measured:
        pixels, labels = data.part(Part.TEST)
        places = pd.Index(model.categories).get_indexer(pd.Index(data.categories))
        places = np.where(places < 0, -1 - np.arange(len(places)), places)
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

    def membership_scores(self, model: Predictor, data: Pictures) -> Attacked:
        """How surely the category of a picture is known, of pictures learned from and of the test's."""
        seen = []
        for part in (Part.TRAIN, Part.TEST):
            pixels, labels = data.part(part)
            chosen = sample(np.arange(len(labels)), ATTACKED_PICTURES)
            chances = model.score(pixels[chosen])[np.arange(len(chosen)), labels[chosen]]
            seen.append({"loss": np.log(np.maximum(chances, LEAST_CHANCE))})
        return Attacked("pictures", *seen)

    def baselines(self, data: Pictures) -> Mapping[str, Measured]:
        training, (pixels, labels) = data.part(Part.TRAIN), data.part(Part.TEST)
        categories = len(data.categories)
        return {
            "majority_category": measured(majority_chances(training[1], len(labels), categories), labels),
            "pixels_logistic": measured(pixels_logistic(*training, pixels, categories, side=_BASELINE_SIDE), labels),
        }

    def slices(self, data: Pictures) -> pd.DataFrame:
        return pd.DataFrame({"category": data.categories[data.part(Part.TEST)[1]]})

    def parity_inputs(self, fitted: FittedInterestVision, data: Pictures) -> tuple[np.ndarray, ...]:  # noqa: ARG002
        return (data.part(Part.TEST)[0][:8],)

    def example(self, data: Pictures) -> pd.DataFrame:
        """Pictures of two items, which are nobody's."""
        return pd.DataFrame({"picture": [_png(picture) for picture in data.part(Part.TRAIN)[0][:2]]})


def fit_net(
    training: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    categories: int,
    config: InterestVisionConfig,
    context: Context,
) -> tuple[keras.Model, float, list[dict[str, float]]]:
    """Train on pixels, uint8 (pictures, height, width, channels), and labels (pictures,).

    Returns:
        The served net, pictures of that height, width and channels to logits; its temperature; its epochs.
    """
    steps = batch_and_steps(len(training[1]), config)[1]
    model = build(config, categories, steps=steps * config.epochs)
    picture_shape = training[0].shape[1:]
    served = namer(model, picture_shape, mirror=config.mirror)

    def validate() -> dict[str, float]:
        logits = logits_of(served, validation[0])
        accuracy = float((logits.argmax(axis=1) == validation[1]).mean())
        log_loss = log_loss_of_logits(logits, validation[1])
        # Validation parts are small enough for many epochs to be equally right; of those, the surest is the best.
        tied = accuracy - 1e-4 * min(log_loss, 10.0)
        return {_WATCHED: tied, "validation_accuracy": accuracy, "validation_log_loss": log_loss}

    epochs = train_epochs(
        model,
        picture_batches(_reduced(training[0], model.input_shape[1:]), training[1], categories, config),
        validate=validate,
        watched=_WATCHED,
        epochs=config.epochs,
        patience=config.patience,
        context=context,
    )
    return served, fit_temperature(logits_of(served, validation[0]), validation[1]), epochs


def logits_of(net: keras.Model, pictures: np.ndarray) -> np.ndarray:
    """Logits (pictures, categories), one batch after the other."""
    if len(pictures) == 0:
        return np.empty((0, net.output_shape[-1]), dtype="float32")
    return net.predict(pictures, batch_size=PICTURES_A_BATCH, verbose=0)


def measured(chances: np.ndarray, labels: np.ndarray) -> Measured:
    """Chances (pictures, categories) against labels (pictures,); a negative label is a category that they leave out."""
    named = chances.argmax(axis=1)
    right = named == labels
    given = np.where(labels >= 0, chances[np.arange(len(labels)), labels], 0.0)
    return Measured(
        metric="accuracy",
        values=right.astype("float64"),
        metrics={
            "accuracy": float(right.mean()),
            "log_loss": float(-np.log(np.maximum(given, LEAST_CHANCE)).mean()),
            "ece": expected_calibration_error(chances, labels),
            "macro_f1": float(f1_score(labels, named, labels=np.unique(labels), average="macro", zero_division=0)),
        },
    )


def majority_chances(labels: np.ndarray, pictures: int, categories: int) -> np.ndarray:
    """The shares of categories among the labels, for every picture alike (pictures, categories)."""
    return np.tile(np.bincount(labels, minlength=categories) / len(labels), (pictures, 1))


def pixels_logistic(
    training: np.ndarray, labels: np.ndarray, pictures: np.ndarray, categories: int, *, side: int
) -> np.ndarray:
    """Chances (pictures, categories) of logistic regression on the shades of `side` x `side` pixels."""
    shape = (side, side, training.shape[-1])
    shades = [_reduced(pixels, shape).reshape(len(pixels), -1) / 127.5 - 1 for pixels in (training, pictures)]
    regression = LogisticRegression(max_iter=300).fit(shades[0], labels)
    chances = np.zeros((len(pictures), categories))
    chances[:, regression.classes_] = regression.predict_proba(shades[1])
    return chances


def _reduced(pixels: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Pictures as a net reads them whose pictures have that height, width and channels, uint8 (pictures, *shape)."""
    if pixels.shape[1:] == shape:
        return pixels
    reduced = reducer(pixels.shape[1:], shape).predict(pixels, batch_size=PICTURES_A_BATCH, verbose=0)
    return reduced.round().clip(0, 255).astype("uint8")


def _png(pixels: np.ndarray) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()


LEARNER = InterestVisionLearner()
