"""The logistic regressions that a net begins with: one for each answer, with the regularisation that validates best.

On the few thousand rows of a small shop a regression with the right penalty is hard to beat, and a net that has to find
it by gradient steps ends below it. So the net is given it, and learns what it leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from sklearn.linear_model import LogisticRegression

from training.metrics.auc import placements
from training.models.response.table import LabelledTable
from training.parts import Part

STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0)
"""Inverse strengths of regularisation that are tried, strongest first."""

UNVALIDATED_STRENGTH = 0.1
"""The inverse strength where the validation part has one label only."""

MOST_ROWS = 300_000
"""Of more training rows a random sample is fitted: so many determine a few hundred coefficients."""


@dataclass(frozen=True)
class Regressions:
    """Coefficients of the encoded columns; zero for an answer that cannot be fitted."""

    numbers: np.ndarray
    """(2 * numbers, answers), float32."""
    codes: np.ndarray
    """(codes, answers), float32; of an unknown category 0, unless there were some in training."""
    intercepts: np.ndarray
    """(answers,), float32."""
    strengths: tuple[float, ...]
    """The inverse strength chosen for each answer; 0 where there is none."""


def one_hot(numbers: np.ndarray, codes: np.ndarray, width: int) -> scipy.sparse.csr_array:
    """Numbers (rows, 2 * numbers) and codes (rows, categories), each of `width` as a column (rows, numbers + width)."""
    rows = np.repeat(np.arange(len(codes)), codes.shape[1])
    cells = (np.ones(codes.size, "float32"), (rows, codes.ravel()))
    indicators = scipy.sparse.csr_array(cells, shape=(len(codes), width))
    return scipy.sparse.csr_array(scipy.sparse.hstack([scipy.sparse.csr_array(numbers), indicators]))


def fit_regressions(
    training: tuple[np.ndarray, np.ndarray],
    labels: np.ndarray,
    weights: np.ndarray,
    table: LabelledTable,
    encoded: tuple[np.ndarray, np.ndarray],
    *,
    width: int,
    seed: int,
) -> Regressions:
    """Fit each answer on the rows where it is known, and choose its strength by the AUC of its validation part.

    Where the table says that everything is learned from, the training part alone chooses the strength, as for the
    weights that were judged: rows that are learned from validate nothing.

    Args:
        training: numbers (rows, 2 * numbers) and codes (rows, categories) to learn from.
        labels: 0, 1 or `NOT_KNOWN` (rows, answers).
        weights: of the rows (rows,).
        table: says which rows validate.
        encoded: numbers and codes of all rows of the table.
        width: number of codes of all columns together.
        seed: of the sample of more than `MOST_ROWS` rows.
    """
    if len(labels) > MOST_ROWS:
        kept = np.sort(np.random.default_rng(seed).choice(len(labels), MOST_ROWS, replace=False))
        training, labels, weights = tuple(values[kept] for values in training), labels[kept], weights[kept]
    inputs = one_hot(*training, width)
    columns = np.zeros((inputs.shape[1], labels.shape[1]), "float32")
    intercepts, strengths = np.zeros(labels.shape[1], "float32"), [0.0] * labels.shape[1]
    for answer in range(labels.shape[1]):
        known = labels[:, answer] >= 0
        if len(np.unique(labels[known, answer])) < 2:
            continue
        held_back = one_hot(*(values[table.indices(answer, Part.VALIDATION)] for values in encoded), width)
        held_back_yes, tried = table.yes(answer, Part.VALIDATION), STRENGTHS
        if table.everything and table.has_both(answer, Part.TRAIN):
            part = one_hot(*(values[table.indices(answer, Part.TRAIN)] for values in encoded), width)
            tried = (best_regression(part, table.yes(answer, Part.TRAIN), held_back, held_back_yes)[1],)
        regression, strengths[answer] = best_regression(
            inputs[known],
            labels[known, answer] > 0,
            held_back,
            held_back_yes,
            strengths=tried,
            weights=weights[known],
        )
        columns[:, answer], intercepts[answer] = regression.coef_[0], regression.intercept_[0]
    first = training[0].shape[1]
    return Regressions(columns[:first], columns[first:], intercepts, tuple(strengths))


def best_regression(
    inputs: scipy.sparse.csr_array,
    yes: np.ndarray,
    held_back: scipy.sparse.csr_array,
    held_back_yes: np.ndarray,
    *,
    strengths: tuple[float, ...] = STRENGTHS,
    weights: np.ndarray | None = None,
) -> tuple[LogisticRegression, float]:
    """The regression with the highest AUC on rows that were held back, the strongest of equals, and its strength.

    Args:
        inputs: (rows, columns).
        yes: labels, both of them (rows,).
        held_back: (held back rows, columns).
        held_back_yes: (held back rows,); with one label only, `UNVALIDATED_STRENGTH` is taken.
    """
    if held_back_yes.all() or not held_back_yes.any():
        strengths = (UNVALIDATED_STRENGTH,)
    best, chosen, highest = None, 0.0, -1.0
    for strength in strengths:
        regression = LogisticRegression(C=strength, max_iter=1000).fit(inputs, yes, sample_weight=weights)
        value = 0.0
        if len(strengths) > 1:
            value = float(placements(regression.decision_function(held_back), held_back_yes).mean())
        if value > highest:
            best, chosen, highest = regression, strength, value
    return best, chosen
