"""Training of the net on the table of an experiment, and the calibration of what it says of the difference.

A net that finds differences between people finds some by chance. How much of them holds is the slope of the effects
that the validation rows show on those that the net says, the best linear predictor of Chernozhukov, Demirer, Duflo and
Fernandez-Val (NBER 24678, 2018): 1 for differences that are as large as it says, 0 for none. It is measured with much
noise, so it is averaged with a prior. The mean effect is the one that the rows show, and the order of people stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from scipy.special import expit

from training.learner import STANDARD_ERROR, Context
from training.loop import train_epochs
from training.metrics.standard_error import standard_error
from training.metrics.uplift import effects
from training.models.response.batches import row_batches
from training.models.response.features import FeatureSpace, learn_features
from training.models.response.fitting import logits_of
from training.models.uplift.network import ARMS, UpliftConfig, build
from training.models.uplift.table import ExperimentTable
from training.parts import Part

PRIOR_SLOPE, PRIOR_DEVIATION = 0.5, 0.5
"""Before any validation row is seen, half of the differences are believed, give or take a half."""

SLOPES = 0.05, 1.5
"""Least and greatest share of the differences that calibration leaves: above 0, so that the order of people stays."""


@dataclass
class FittedUplift:
    """A net with its best weights, the encoding of its inputs and the calibration of its differences."""

    embedder: keras.Model
    head: keras.Model
    space: FeatureSpace
    feature_slices: Mapping[str, Sequence[int]]
    """Start and end of each column's features in the output of the embedder."""
    slopes: np.ndarray
    """How much of the differences between people holds on rows that were not learned from (outcomes,)."""
    centres: np.ndarray
    """Mean difference of each outcome on the training rows, as the net says it (outcomes,)."""
    means: np.ndarray
    """Mean effect on each outcome that the rows of training and validation show (outcomes,)."""
    epochs: Sequence[Mapping[str, float]] = field(default_factory=list)

    def encode(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        return self.space.encode(rows)

    def chances(self, numbers: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Chances of each outcome without and with the message, not calibrated (rows, arms, outcomes)."""
        logits = logits_of(self.embedder, self.head, numbers, codes)
        return expit(logits).reshape(len(logits), ARMS, -1)

    def score(self, numbers: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """What sending changes in the chance of each outcome, calibrated (rows, outcomes)."""
        without, with_message = self.chances(numbers, codes).swapaxes(0, 1)
        return np.clip(self.means + self.slopes * (with_message - without - self.centres), -1.0, 1.0)

    def save(self, folder: Path, **extra: object) -> Mapping[str, Path]:
        """Write the two nets, and as JSON the encoding, the calibration and `extra`."""
        folder.mkdir(parents=True, exist_ok=True)
        files = {"embedder": folder / "embedder.keras", "head": folder / "head.keras", "space": folder / "space.json"}
        self.embedder.save(files["embedder"])
        self.head.save(files["head"])
        calibration = {name: getattr(self, name).tolist() for name in ("slopes", "centres", "means")}
        self.space.save(files["space"], feature_slices=self.feature_slices, **calibration, **extra)
        return files


def fit_experiment(table: ExperimentTable, config: UpliftConfig, context: Context, *, watched: str) -> FittedUplift:
    """Train on the training part; stop early and calibrate on the validation part.

    Args:
        watched: name for the validation likelihood of the first outcome: minus its cross-entropy in nats.

    Raises:
        ModelError: a column is missing, or the loss becomes not finite.
    """
    training, validation = table.learned, table.indices(Part.VALIDATION)
    space = learn_features(
        table.rows.iloc[training],
        numbers=table.numbers,
        categories=table.categories,
        scaling=config.scaling,
        fewest_rows=config.fewest_rows,
        columns=table.columns,
    )
    encoded, labels = space.encode(table.rows), table.labels
    inputs, held_back = ([values[part] for values in encoded] for part in (training, validation))
    model = build(
        config,
        numbers=encoded[0].shape[1],
        codes=space.codes,
        unknown_codes=space.unknown_codes,
        outcomes=len(table.names),
    )
    weights = np.ones(len(training), "float32")
    outcomes = len(table.names)
    fitted = FittedUplift(
        model.embedder,
        model.head,
        space,
        space.slices(config.embedding_dimensions),
        np.full(outcomes, PRIOR_SLOPE),
        np.zeros(outcomes),
        np.zeros(outcomes),
    )

    def validate() -> Mapping[str, float]:
        logits = logits_of(model.embedder, model.head, *held_back)
        values = _likelihoods(logits, table, validation)
        return {watched: float(values.mean()), STANDARD_ERROR: standard_error(values)}

    fitted.epochs = train_epochs(
        model,
        row_batches(*inputs, labels[training], weights, space.unknown_codes, config),
        validate=validate,
        watched=watched,
        epochs=config.epochs,
        patience=config.patience,
        minutes=config.minutes,
        context=context,
    )
    fitted.centres = _differences(fitted, inputs).mean(axis=0)
    fitted.means = _shown(fitted, table, np.union1d(training, validation), encoded).mean(axis=0)
    fitted.slopes = _slopes(fitted, table, validation, encoded)
    return fitted


def shrunk_slope(effect: np.ndarray, difference: np.ndarray) -> float:
    """How much of the predicted differences between rows holds, between 0 and 1 where they do as far as they go.

    The least-squares slope, averaged with the prior by their variances.

    Args:
        effect: of each row, as `effects` gives it (rows,).
        difference: predicted effect less the mean of all (rows,).
    """
    squares = float(np.square(difference).sum())
    if len(effect) < 3 or squares <= 0:
        return PRIOR_SLOPE
    slope = float(difference @ (effect - effect.mean())) / squares
    left = effect - effect.mean() - slope * (difference - difference.mean())
    variance = float(np.square(left * difference).sum()) / squares**2
    trust = PRIOR_DEVIATION**2 / (PRIOR_DEVIATION**2 + variance)
    return float(np.clip(PRIOR_SLOPE + trust * (slope - PRIOR_SLOPE), *SLOPES))


def _shown(fitted: FittedUplift, table: ExperimentTable, rows: np.ndarray, encoded: Sequence[np.ndarray]) -> np.ndarray:
    """Effects that some rows show, less noise by what the net expects of them (rows, outcomes)."""
    without, with_message = fitted.chances(*[values[rows] for values in encoded]).swapaxes(0, 1)
    share = table.propensity[rows, None]
    expected = (1 - share) * with_message + share * without  # the guess that leaves least noise
    return effects(table.outcomes[rows], table.treated[rows, None], share, expected)


def _slopes(
    fitted: FittedUplift, table: ExperimentTable, rows: np.ndarray, encoded: Sequence[np.ndarray]
) -> np.ndarray:
    """Of each outcome, on rows that were not learned from (outcomes,)."""
    shown = _shown(fitted, table, rows, encoded)
    differences = _differences(fitted, [values[rows] for values in encoded])
    return np.array(
        [
            shrunk_slope(shown[:, outcome], differences[:, outcome] - differences[:, outcome].mean())
            for outcome in range(shown.shape[1])
        ]
    )


def _likelihoods(logits: np.ndarray, table: ExperimentTable, rows: np.ndarray) -> np.ndarray:
    """Log likelihood of the first outcome of some rows in the arm that each was in, in nats (rows,)."""
    own = np.where(table.treated[rows], logits[:, len(table.names)], logits[:, 0])
    signs = np.where(table.outcomes[rows, 0], 1.0, -1.0)
    return -np.logaddexp(0.0, -signs * own)


def _differences(fitted: FittedUplift, inputs: Sequence[np.ndarray]) -> np.ndarray:
    """Chance with the message less chance without (rows, outcomes)."""
    without, with_message = fitted.chances(*inputs).swapaxes(0, 1)
    return with_message - without
