"""Calibration: probabilities that come true as often as they say.

Temperature scaling and the expected calibration error are those of Guo et al., 2017 (arXiv:1706.04599). Every function
takes either several categories (logits and probabilities (examples, categories), labels 0 to categories - 1) or a
binary answer (logits and probabilities (examples,), labels 0 and 1).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, log_softmax, softmax

from contracts.errors import ModelError

_LOWEST, _HIGHEST = 0.05, 20.0


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature: divided by it, the logits give the probabilities that fit the labels best.

    It minimises the log loss over the examples plus log(temperature)^2 / 2, a prior as weak as one example. Without
    the prior, a validation part without a single mistake would drive the temperature to 0, and every later probability
    would be 0 or 1. A temperature never changes the order of the categories.

    Raises:
        ModelError: there are no examples, or a logit is no finite number.
    """
    logits, labels = np.asarray(logits, dtype="float64"), np.asarray(labels)
    _check(logits, labels, "logits")

    def cost(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        return log_loss_of_logits(scaled, labels) * len(labels) + log_temperature**2 / 2

    return float(np.exp(minimize_scalar(cost, bounds=(np.log(_LOWEST), np.log(_HIGHEST)), method="bounded").x))


def calibrated(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities in the shape of the logits: softmax over categories, or the sigmoid of a binary answer."""
    scaled = np.asarray(logits, dtype="float64") / temperature
    return softmax(scaled, axis=1) if scaled.ndim == 2 else expit(scaled)


def log_loss_of_logits(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-likelihood in nats; computed from logits, so that a confident mistake stays finite."""
    logits, labels = np.asarray(logits, dtype="float64"), np.asarray(labels)
    if logits.ndim == 2:
        return float(-log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean())
    return float(-log_expit(np.where(labels > 0, logits, -logits)).mean())


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Mean distance of mean probability and observed share, over bins of equal width weighted by their examples.

    0 is perfect, 1 is the worst.

    Raises:
        ModelError: there are no examples, or a probability is no finite number.
    """
    table = reliability(probabilities, labels, bins)
    return float((table["examples"] * (table["probability"] - table["observed"]).abs()).sum() / table["examples"].sum())


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> pd.DataFrame:
    """The data of a reliability diagram, one row for each bin that holds examples.

    With several categories the probability is that of the likeliest one, and it comes true if that is the label. With
    a binary answer it is the probability of label 1.

    Returns:
        Columns `from` and `to`, the borders of the bin; `probability`, the mean; `observed`, the share that came true;
        `examples`.
    """
    probabilities, labels = np.asarray(probabilities, dtype="float64"), np.asarray(labels)
    _check(probabilities, labels, "probabilities")
    if probabilities.ndim == 2:
        top, observed = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    else:
        top, observed = probabilities, labels > 0
    bin_of = np.clip(np.ceil(top * bins).astype(int) - 1, 0, bins - 1)  # bins are open below and closed above
    examples = np.bincount(bin_of, minlength=bins)
    filled = np.flatnonzero(examples)
    return pd.DataFrame(
        {
            "from": filled / bins,
            "to": (filled + 1) / bins,
            "probability": np.bincount(bin_of, weights=top, minlength=bins)[filled] / examples[filled],
            "observed": np.bincount(bin_of, weights=observed, minlength=bins)[filled] / examples[filled],
            "examples": examples[filled],
        }
    )


def _check(answers: np.ndarray, labels: np.ndarray, what: str) -> None:
    if len(labels) == 0 or len(answers) != len(labels):
        raise ModelError(
            expected=f"as many {what} as labels, and at least one",
            received=f"{len(answers)} and {len(labels)}",
            remedy="calibrate on a validation part that is not empty",
        )
    if not np.isfinite(answers).all():
        raise ModelError(
            expected=f"finite {what}",
            received=f"{int((~np.isfinite(answers)).sum())} that are not",
            remedy="look for values that are not numbers in the training table, or lower learning_rate",
        )
