"""How a net that predicts the category of a file is trained and measured, whatever the files are.

`InterestLearner` is all of a learner but how files are read and varied, which net looks at them, and with what it is
compared. `score` takes what `Labelled.values` holds and returns probabilities (files, categories), in the order of the
model's attribute `categories`.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import pandas as pd
import pyarrow.dataset
from sklearn.metrics import f1_score

from contracts.lake import Lake
from contracts.settings import Settings
from training.baselines import each_baseline
from training.learner import STANDARD_ERROR, Context, Fitted, Learner, Measured, Predictor, Signature
from training.loop import train_epochs
from training.media.batches import batch_and_steps
from training.media.labelled import Kind, Labelled, labelled_files
from training.metrics.calibration import calibrated, expected_calibration_error, fit_temperature, log_loss_of_logits
from training.metrics.standard_error import standard_error
from training.parts import Part
from training.privacy.membership import AttackSignals, sample

LEAST_CHANCE = 1e-6
"""Least probability in the log loss; a category that the model does not know counts with it too."""

ATTACKED_FILES = 300
"""Most members, and most strangers, in the membership attack."""

FILES_A_BATCH = 256

WATCHED = "validation_accuracy_tied_by_log_loss"


class Schedule(Protocol):
    """How long a net is trained: the part of a model's configuration that all have."""

    batch_size: int
    epochs: int
    patience: int
    minutes: float


@dataclass(frozen=True)
class FittedInterests(Fitted):
    """A net with its best weights, and the temperature that calibrates it."""

    net: keras.Model
    """Values of files (batch, ...) to logits (batch, categories)."""
    categories: np.ndarray
    temperature: float
    epochs: Sequence[Mapping[str, float]]

    def score(self, values: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (files, categories)."""
        return calibrated(logits_of(self.net, values), self.temperature)

    def save(self, folder: Path) -> Mapping[str, Path]:
        net, answers = folder / "net.keras", folder / "answers.json"
        self.net.save(net)
        answers.write_text(json.dumps({"categories": self.categories.tolist(), "temperature": self.temperature}))
        return {"net": net, "answers": answers}


class InterestLearner(Learner):
    """Learns the category of a file from the files of items."""

    watched = WATCHED
    kind: Kind
    """What the files are and how they are read."""

    def load(self, settings: Settings, ds: str) -> Labelled:
        made_by = f"python -m dbt_project.build --ds {ds}"
        partition = Lake(settings.home.lake).require(self.table, ds, made_by=made_by)
        columns = [self.kind.id_column, "path", "category"]
        # The file of an item belongs to no person, so that its training requires no consent.
        table = pyarrow.dataset.dataset(partition, format="parquet").to_table(columns=columns).to_pandas()
        return labelled_files(table, settings.raw, self.kind)

    def fit(self, data: Labelled, config: Any, context: Context) -> FittedInterests:
        training, validation = data.part(Part.TRAIN), data.part(Part.VALIDATION)
        net, temperature, epochs = self.fit_net(training, validation, len(data.categories), config, context)
        return FittedInterests(net, data.categories, temperature, epochs)

    def fit_net(
        self,
        training: tuple[np.ndarray, np.ndarray],
        validation: tuple[np.ndarray, np.ndarray],
        categories: int,
        config: Schedule,
        context: Context,
    ) -> tuple[keras.Model, float, list[dict[str, float]]]:
        """Train a net.

        Args:
            training: values of files (files, ...) and labels (files,).
            validation: the same of the validation part.
            categories: number of categories.

        Returns:
            The served net, from values of files to logits; its temperature; its epochs.
        """
        steps = batch_and_steps(len(training[1]), config.batch_size)[1]
        model, served, batches = self.prepared(training, categories, config, steps=steps * config.epochs)
        temperature, epochs = fit_classifier(model, served, batches, validation, config, context)
        return served, temperature, epochs

    @abstractmethod
    def prepared(
        self, training: tuple[np.ndarray, np.ndarray], categories: int, config: Any, *, steps: int
    ) -> tuple[keras.Model, keras.Model, Iterable]:
        """The compiled net, its served form, which shares the weights, and the training batches.

        Args:
            steps: number of batches of the whole training.
        """

    @abstractmethod
    def simple_chances(
        self, training: tuple[np.ndarray, np.ndarray], values: np.ndarray, categories: int
    ) -> Mapping[str, Callable[[], np.ndarray]]:
        """Baselines beside the most frequent category, each with what computes its probabilities (files, categories).

        Args:
            values: of the files that are asked for (files, ...).
        """

    def baselines(self, data: Labelled) -> Mapping[str, Measured]:
        training, (values, labels) = data.part(Part.TRAIN), data.part(Part.TEST)
        categories = len(data.categories)
        ways = {
            "majority_category": lambda: majority_chances(training[1], len(labels), categories),
            **self.simple_chances(training, values, categories),
        }
        return each_baseline(
            self.name, {name: lambda chances=chances: measured(chances(), labels) for name, chances in ways.items()}
        )

    def measure(self, model: Predictor, data: Labelled) -> Measured:
        values, labels = data.part(Part.TEST)
        places = pd.Index(model.categories).get_indexer(pd.Index(data.categories))
        places = np.where(places < 0, -1 - np.arange(len(places)), places)  # each unknown category a label of its own
        return measured(model.score(values), places[labels])

    def membership_scores(self, model: Predictor, data: Labelled) -> AttackSignals:
        """An attack by loss on files of the training part and of the test part."""
        seen = []
        for part in (Part.TRAIN, Part.TEST):
            values, labels = data.part(part)
            chosen = sample(np.arange(len(labels)), ATTACKED_FILES)
            chances = model.score(values[chosen])[np.arange(len(chosen)), labels[chosen]]
            seen.append({"loss": np.log(np.maximum(chances, LEAST_CHANCE))})
        return AttackSignals(self.kind.noun, *seen)

    def slices(self, data: Labelled) -> pd.DataFrame:
        return pd.DataFrame({"category": data.categories[data.part(Part.TEST)[1]]})

    def parity_inputs(self, fitted: FittedInterests, data: Labelled) -> tuple[np.ndarray, ...]:  # noqa: ARG002
        return (data.part(Part.TEST)[0][:8],)


def answers_signature(file: str, *, remark: bool = False) -> Signature:
    """Of a served model that takes files in one column: bytes in, the likeliest category and all chances out.

    Args:
        remark: whether it also says of each file what there is to say, such as why it cannot be used.
    """
    return Signature(
        inputs={file: "binary"},
        outputs={
            "category": "string",
            "confidence": "double",
            "probabilities": "array<double>",
            "categories": "array<string>",
            **({"remark": "string"} if remark else {}),
        },
    )


def fit_classifier(
    model: keras.Model,
    served: keras.Model,
    batches: Iterable,
    validation: tuple[np.ndarray, np.ndarray],
    schedule: Schedule,
    context: Context,
) -> tuple[float, list[dict[str, float]]]:
    """Train a compiled net on batches; it ends with the weights of its best epoch.

    Args:
        served: the net from values of files to logits, sharing the weights.
        validation: values and labels of the validation part.

    Returns:
        The temperature that fits the validation part best, and the epochs.
    """

    def validate() -> dict[str, float]:
        logits = logits_of(served, validation[0])
        right = logits.argmax(axis=1) == validation[1]
        accuracy = float(right.mean())
        log_loss = log_loss_of_logits(logits, validation[1])
        # Validation parts are so small that many epochs have the same accuracy; of those, the best log loss decides.
        tied = accuracy - 1e-4 * min(log_loss, 10.0)
        return {
            WATCHED: tied,
            STANDARD_ERROR: standard_error(right),
            "validation_accuracy": accuracy,
            "validation_log_loss": log_loss,
        }

    epochs = train_epochs(
        model,
        batches,
        validate=validate,
        watched=WATCHED,
        epochs=schedule.epochs,
        patience=schedule.patience,
        minutes=schedule.minutes,
        context=context,
    )
    return fit_temperature(logits_of(served, validation[0]), validation[1]), epochs


def logits_of(net: keras.Model, values: np.ndarray) -> np.ndarray:
    """Logits (files, categories), computed batch by batch."""
    if len(values) == 0:
        return np.empty((0, net.output_shape[-1]), dtype="float32")
    return net.predict(values, batch_size=FILES_A_BATCH, verbose=0)


def measured(chances: np.ndarray, labels: np.ndarray) -> Measured:
    """Probabilities (files, categories) against labels (files,); a negative label is a category that is unknown.

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


def majority_chances(labels: np.ndarray, files: int, categories: int) -> np.ndarray:
    """The shares of categories among the labels, the same for every file (files, categories)."""
    return np.tile(np.bincount(labels, minlength=categories) / len(labels), (files, 1))


def logistic_chances(training: np.ndarray, labels: np.ndarray, features: np.ndarray, categories: int) -> np.ndarray:
    """Probabilities (files, categories) by logistic regression on features (files, numbers)."""
    from sklearn.linear_model import LogisticRegression

    regression = LogisticRegression(max_iter=300).fit(training, labels)
    chances = np.zeros((len(features), categories))
    chances[:, regression.classes_] = regression.predict_proba(features)
    return chances
