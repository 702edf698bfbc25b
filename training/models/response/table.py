"""Yes-or-no answers from a table of mixed columns: parts, training, calibration.

Each answer has its own parts, because the label of one may be known weeks after that of another. Answers are
calibrated after training, one straight line from logit to logit each (Platt, 1999): a loss that weighs classes or hard
rows moves the logits away from chances, and a temperature alone would not move them back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from training.learner import Context
from training.loop import train_epochs
from training.metrics.auc import placements
from training.models.response.features import FeatureSpace, learn_features
from training.models.response.network import NOT_KNOWN, ResponseConfig, build
from training.parts import Part

NOWHERE, STRANGERS = 3, 4
"""Where an answer is that is in no `Part`: nowhere without a label. Strangers are rows like those of the training part,
of people who are never learned from: only they show what a model remembers of the others."""

_ROWS_A_BATCH = 8192


@dataclass(frozen=True)
class Table:
    """Rows in the order of time, with the answers that are known and the part of each."""

    rows: pd.DataFrame
    """The columns that a model reads, as they came (rows,)."""
    labels: np.ndarray
    """0, 1 or `NOT_KNOWN`, float32 (rows, answers)."""
    parts: np.ndarray
    """int8 (rows, answers)."""
    numbers: Sequence[str]
    categories: Sequence[str]
    answers: Sequence[str]
    people: np.ndarray | None = None
    """Person of each row; None where every row is another person's (rows,)."""
    public: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Categories of a column that are known to everybody, whatever the rows say."""
    intervals: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Where the numbers of a column are known to lie, whatever the rows say: least and most."""

    def places(self, answer: int, part: int) -> np.ndarray:
        """The rows of a part, by place."""
        return np.flatnonzero(self.parts[:, answer] == part)

    def yes(self, answer: int, part: int) -> np.ndarray:
        """The labels of these rows, boolean."""
        return self.labels[self.places(answer, part), answer] > 0

    def has_both(self, answer: int, part: int) -> bool:
        """Whether there are both answers in a part: without, nothing can be ranked."""
        labels = self.yes(answer, part)
        return bool(labels.any() and not labels.all())

    @cached_property
    def training(self) -> np.ndarray:
        """Rows that are in the training part of an answer, by place."""
        return np.flatnonzero((self.parts == Part.TRAIN).any(axis=1))

    @cached_property
    def owners(self) -> np.ndarray:
        """A number for the person of each row, from 0 (rows,)."""
        if self.people is None:
            return np.arange(len(self.rows))
        return np.unique(self.people.astype(str), return_inverse=True)[1]

    def content_hash(self) -> str:
        """SHA-256 over everything that training reads."""
        total = hashlib.sha256(pd.util.hash_pandas_object(self.rows, index=False).to_numpy().tobytes())
        for array in (self.labels, self.parts):
            total.update(np.ascontiguousarray(array).tobytes())
        return total.hexdigest()


@dataclass
class FittedTable:
    """A net with its best weights, and what turns its logits into chances."""

    embedder: keras.Model
    head: keras.Model
    space: FeatureSpace
    feature_slices: Mapping[str, Sequence[int]]
    slopes: np.ndarray
    """(answers,)"""
    offsets: np.ndarray
    """(answers,)"""
    epochs: Sequence[Mapping[str, float]] = field(default_factory=list)

    def encode(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        return self.space.encode(rows)

    def score(self, numbers: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Chances of a yes (rows, answers) for encoded rows."""
        return expit(logits_of(self.embedder, self.head, numbers, codes) * self.slopes + self.offsets)

    def save(self, folder: Path, **more: object) -> Mapping[str, Path]:
        """Write the two nets and, with whatever else a model has to say, what surrounds them."""
        folder.mkdir(parents=True, exist_ok=True)
        files = {"embedder": folder / "embedder.keras", "head": folder / "head.keras", "space": folder / "space.json"}
        self.embedder.save(files["embedder"])
        self.head.save(files["head"])
        own = {
            "feature_slices": self.feature_slices,
            "slopes": self.slopes.tolist(),
            "offsets": self.offsets.tolist(),
        }
        self.space.save(files["space"], **own, **more)
        return files


def fit_table(
    table: Table, config: ResponseConfig, context: Context, *, watched: str, added: Table | None = None
) -> FittedTable:
    """Train on the training parts, end and calibrate on the validation parts.

    Args:
        watched: name for the validation AUC of the first answer.
        added: rows to learn from as well, all of them; scales and categories are not learned from them.

    Raises:
        ModelError: a column is missing, or the loss becomes no number.
    """
    training = table.training
    space = learn_features(
        table.rows.iloc[training],
        numbers=table.numbers,
        categories=table.categories,
        scaling=config.scaling,
        fewest_rows=config.fewest_rows,
    )
    encoded = space.encode(table.rows)
    labels = np.where(table.parts == Part.TRAIN, table.labels, NOT_KNOWN).astype("float32")[training]
    weights = _weights_by_age(len(training), config.half_life_share)
    learned = [one[training] for one in encoded]
    if added is not None and len(added.rows):
        learned = [np.concatenate(pair) for pair in zip(learned, space.encode(added.rows), strict=True)]
        labels = np.concatenate([labels, added.labels])
        weights = np.concatenate([weights, np.ones(len(added.rows), "float32")])
    known = labels >= 0
    model = build(
        config,
        numbers=encoded[0].shape[1],
        codes=space.codes,
        unknown_codes=space.unknown_codes,
        positive_shares=((labels > 0).sum(axis=0) + 0.5) / (known.sum(axis=0) + 1.0),
    )
    answers = len(table.answers)
    slices = space.slices(config.embedding_dimensions)
    fitted = FittedTable(model.embedder, model.head, space, slices, np.ones(answers), np.zeros(answers))
    validation, yes = [one[table.places(0, Part.VALIDATION)] for one in encoded], table.yes(0, Part.VALIDATION)

    def validate() -> Mapping[str, float]:
        return {watched: float(placements(logits_of(model.embedder, model.head, *validation)[:, 0], yes).mean())}

    fitted.epochs = train_epochs(
        model,
        _batches(*learned, labels, weights, space.unknown_codes, config),
        validate=validate,
        watched=watched,
        epochs=config.epochs,
        patience=config.patience,
        context=context,
    )
    for answer in range(answers):
        places = table.places(answer, Part.VALIDATION)
        if len(places):
            logits = logits_of(model.embedder, model.head, *[one[places] for one in encoded])[:, answer]
            fitted.slopes[answer], fitted.offsets[answer] = fit_platt(logits, table.yes(answer, Part.VALIDATION))
    return fitted


def logits_of(embedder: keras.Model, head: keras.Model, numbers: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """What the net says of encoded rows (rows, answers), float64."""
    starts = range(0, len(numbers), _ROWS_A_BATCH)
    batches = [(numbers[start : start + _ROWS_A_BATCH], codes[start : start + _ROWS_A_BATCH]) for start in starts]
    parts = [head.predict_on_batch(embedder.predict_on_batch(list(batch))) for batch in batches]
    return np.concatenate(parts).astype("float64") if parts else np.zeros((0, head.output_shape[-1]))


def fit_platt(logits: np.ndarray, yes: np.ndarray) -> tuple[float, float]:
    """Slope, above 0, and offset of the line that makes chances of logits.

    It minimises the log loss of the rows plus log(slope)^2 / 2 + offset^2 / 50, a prior as weak as one row: with it,
    rows that all have the same answer, or that are told apart without a mistake, do not make anything certain.
    """
    signs = np.where(yes, 1.0, -1.0)

    def cost(line: np.ndarray) -> float:
        said = np.exp(line[0]) * logits + line[1]
        return float(-log_expit(signs * said).sum() + line[0] ** 2 / 2 + line[1] ** 2 / 50)

    log_slope, offset = minimize(cost, np.zeros(2), method="L-BFGS-B", bounds=[(-4, 4), (-20, 20)]).x
    return float(np.exp(log_slope)), float(offset)


def _weights_by_age(rows: int, half_life_share: float) -> np.ndarray:
    """Weight of each row, 1 on average, the last row the latest (rows,)."""
    if half_life_share <= 0:
        return np.ones(rows, "float32")
    weights = 0.5 ** (np.arange(rows)[::-1] / (half_life_share * rows))
    return (weights / weights.mean()).astype("float32")


def _batches(
    numbers: np.ndarray,
    codes: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    unknown_codes: np.ndarray,
    config: ResponseConfig,
) -> tf.data.Dataset:
    """Shuffled anew every epoch, with values hidden: ((numbers, codes), labels, weights)."""
    random = np.random.default_rng(config.seed)

    def epoch() -> Iterator[tuple]:
        order = random.permutation(len(labels))
        for start in range(0, len(order), config.batch_size):
            rows = order[start : start + config.batch_size]
            hidden_numbers = random.random((len(rows), numbers.shape[1] // 2)) < config.hidden_share
            hidden_codes = random.random((len(rows), codes.shape[1])) < config.hidden_share
            values = numbers[rows]
            values[:, ::2][hidden_numbers] = 0
            values[:, 1::2][hidden_numbers] = 1
            yield (values, np.where(hidden_codes, unknown_codes, codes[rows])), labels[rows], weights[rows]

    signature = (
        (tf.TensorSpec((None, numbers.shape[1]), "float32"), tf.TensorSpec((None, codes.shape[1]), "int32")),
        tf.TensorSpec((None, labels.shape[1]), "float32"),
        tf.TensorSpec((None,), "float32"),
    )
    dataset = tf.data.Dataset.from_generator(epoch, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(-(-len(labels) // config.batch_size))).prefetch(2)
