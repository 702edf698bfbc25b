"""Training of a net for the binary answers of a table, plainly or under differential privacy, and its calibration.

After a plain training each answer is calibrated by one straight line from logit to logit (Platt, 1999): a loss that
weights classes or hard rows moves logits away from probabilities, and a temperature alone would not move them back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from training.learner import STANDARD_ERROR, Context
from training.loop import train_epochs
from training.metrics.auc import placements
from training.metrics.standard_error import standard_error
from training.models.response.batches import people_batches, row_batches
from training.models.response.features import FeatureSpace, learn_features
from training.models.response.network import ResponseConfig, build
from training.models.response.private_statistics import PrivateStatistics
from training.models.response.regression import fit_regressions
from training.models.response.table import LabelledTable
from training.parts import Part

_ROWS_A_BATCH = 8192


@dataclass
class FittedTable:
    """A net with its best weights, the encoding of its inputs and the calibration of its logits."""

    embedder: keras.Model
    head: keras.Model
    space: FeatureSpace
    feature_slices: Mapping[str, Sequence[int]]
    """Start and end of each column's features in the output of the embedder."""
    slopes: np.ndarray
    """Of the calibration of each answer (answers,)."""
    offsets: np.ndarray
    """Of the calibration of each answer (answers,)."""
    epochs: Sequence[Mapping[str, float]] = field(default_factory=list)
    value: float = 0.0
    """Validation AUC of the first answer under the weights that were kept."""

    def encode(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        return self.space.encode(rows)

    def score(self, numbers: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Encoded rows to calibrated probabilities of a yes (rows, answers)."""
        return expit(logits_of(self.embedder, self.head, numbers, codes) * self.slopes + self.offsets)

    def save(self, folder: Path, **extra: object) -> Mapping[str, Path]:
        """Write the two nets, and as JSON the encoding, the calibration and `extra`."""
        folder.mkdir(parents=True, exist_ok=True)
        files = {"embedder": folder / "embedder.keras", "head": folder / "head.keras", "space": folder / "space.json"}
        self.embedder.save(files["embedder"])
        self.head.save(files["head"])
        own = {
            "feature_slices": self.feature_slices,
            "slopes": self.slopes.tolist(),
            "offsets": self.offsets.tolist(),
        }
        self.space.save(files["space"], **own, **extra)
        return files


def fit_table(
    table: LabelledTable,
    config: ResponseConfig,
    context: Context,
    *,
    watched: str,
    added: LabelledTable | None = None,
    private: PrivateStatistics | None = None,
) -> FittedTable:
    """Train on the training part of each answer; stop early and calibrate on the validation part.

    A plain training that no epoch improves ends as it began, with the regressions.
    A private training reads nothing from the validation part: it trains all epochs and does not calibrate.

    Args:
        watched: name for the validation AUC of the first answer.
        added: further rows for a plain training; scales and categories are not learned from them.
        private: the statistics of a private training, whose steps are then private too; None trains plainly.

    Raises:
        ModelError: a column is missing, or the loss becomes not finite.
    """
    space = private.space if private is not None else _learned_space(table, config)
    encoded = space.encode(table.rows)
    labels, inputs = table.training_labels, [values[table.training] for values in encoded]
    if private is not None:
        owners = np.unique(table.owners[table.training], return_inverse=True)[1]
        batches = people_batches(*inputs, labels, owners, space.unknown_codes, config, private.spent)
        positive_shares = np.full(len(table.answers), 0.5)
    else:
        weights = _weights_by_age(len(labels), config.half_life_share)
        if added is not None and len(added.rows):
            inputs = [np.concatenate(pair) for pair in zip(inputs, space.encode(added.rows), strict=True)]
            labels = np.concatenate([labels, added.labels])
            weights = np.concatenate([weights, np.ones(len(added.rows), "float32")])
        batches = row_batches(*inputs, labels, weights, space.unknown_codes, config)
        positive_shares = ((labels > 0).sum(axis=0) + 0.5) / ((labels >= 0).sum(axis=0) + 1.0)
    model = build(
        config,
        numbers=encoded[0].shape[1],
        codes=space.codes,
        unknown_codes=space.unknown_codes,
        positive_shares=positive_shares,
        spent=private.spent if private is not None else None,
    )
    if private is None and config.start == "regression":
        regressions = fit_regressions(
            tuple(inputs), labels, weights, table, encoded, width=space.codes, seed=config.seed
        )
        model.start_at(regressions)
        chosen = [f"{one:g} of {name}" for name, one in zip(table.answers, regressions.strengths, strict=True)]
        context.say(f"begins with logistic regressions of inverse strength {', '.join(chosen)}")
    answers = len(table.answers)
    slices = space.slices(model.features_of_a_category)
    fitted = FittedTable(model.embedder, model.head, space, slices, np.ones(answers), np.zeros(answers))
    validation = [values[table.indices(0, Part.VALIDATION)] for values in encoded]
    yes = table.yes(0, Part.VALIDATION)

    def validate() -> Mapping[str, float]:
        values = placements(logits_of(model.embedder, model.head, *validation)[:, 0], yes)
        return {watched: float(values.mean()), STANDARD_ERROR: standard_error(values)}

    initial_weights, initial_value = model.get_weights(), validate()[watched]
    fitted.epochs = train_epochs(
        model,
        batches,
        validate=validate,
        watched=watched,
        epochs=config.epochs,
        patience=config.patience,
        minutes=config.minutes,
        context=context,
        keep="last" if private is not None else "best",
    )
    values = [initial_value, *(epoch[watched] for epoch in fitted.epochs)]
    fitted.value = values[-1]
    if private is None:
        if context.epochs is None:
            fitted.value = max(values)
            if fitted.value == initial_value:
                model.set_weights(initial_weights)
                context.say(f"no epoch is better than the start, {watched} {initial_value:.4f}: the net stays as it is")
        _calibrate(fitted, table, encoded)
    return fitted


def logits_of(embedder: keras.Model, head: keras.Model, numbers: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Encoded rows to logits before calibration, float64 (rows, answers)."""
    starts = range(0, len(numbers), _ROWS_A_BATCH)
    batches = [(numbers[start : start + _ROWS_A_BATCH], codes[start : start + _ROWS_A_BATCH]) for start in starts]
    parts = [head.predict_on_batch(embedder.predict_on_batch(list(batch))) for batch in batches]
    return np.concatenate(parts).astype("float64") if parts else np.zeros((0, head.output_shape[-1]))


def fit_platt(logits: np.ndarray, yes: np.ndarray) -> tuple[float, float]:
    """Slope, above 0, and offset of the line that calibrates logits.

    It minimises the log loss of the rows plus log(slope)^2 / 2 + offset^2 / 50, a prior as weak as one row. Without the
    prior, rows with a single label, or rows that are separated without a mistake, would give probabilities of 0 and 1.
    """
    signs = np.where(yes, 1.0, -1.0)

    def cost(line: np.ndarray) -> float:
        calibrated = np.exp(line[0]) * logits + line[1]
        return float(-log_expit(signs * calibrated).sum() + line[0] ** 2 / 2 + line[1] ** 2 / 50)

    log_slope, offset = minimize(cost, np.zeros(2), method="L-BFGS-B", bounds=[(-4, 4), (-20, 20)]).x
    return float(np.exp(log_slope)), float(offset)


def _weights_by_age(rows: int, half_life_share: float) -> np.ndarray:
    """Weight of each row by its age, 1 on average; the last row is the latest one (rows,)."""
    if half_life_share <= 0:
        return np.ones(rows, "float32")
    weights = 0.5 ** (np.arange(rows)[::-1] / (half_life_share * rows))
    return (weights / weights.mean()).astype("float32")


def _learned_space(table: LabelledTable, config: ResponseConfig) -> FeatureSpace:
    """The encoding of columns, learned from the training part."""
    return learn_features(
        table.rows.iloc[table.training],
        numbers=table.numbers,
        categories=table.categories,
        scaling=config.scaling,
        fewest_rows=config.fewest_rows,
        columns=table.columns,
    )


def _calibrate(fitted: FittedTable, table: LabelledTable, encoded: Sequence[np.ndarray]) -> None:
    """Set slope and offset of each answer that has labels in the validation part."""
    for answer in range(len(table.answers)):
        indices = table.indices(answer, Part.VALIDATION)
        if len(indices):
            logits = logits_of(fitted.embedder, fitted.head, *[values[indices] for values in encoded])[:, answer]
            fitted.slopes[answer], fitted.offsets[answer] = fit_platt(logits, table.yes(answer, Part.VALIDATION))
