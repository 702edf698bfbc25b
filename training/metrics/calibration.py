"""Calibration: chances that come true as often as they say.

Temperature scaling and the expected calibration error are those of Guo et al., 2017 (arXiv:1706.04599). Everything
here takes either several categories, logits and probabilities (example, category) with labels 0 to categories - 1, or
one yes-or-no question, logits and probabilities (example,) of a yes with labels 0 and 1.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, log_softmax, softmax

from contracts.errors import ModelError

_LOWEST, _HIGHEST = 0.05, 20.0


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The number that logits are divided by, so that their probabilities fit the labels best.

    It minimises the log loss over the examples plus log(temperature)^2 / 2, a prior as weak as one example: without
    it, a validation part that is answered without a mistake would drive the temperature to 0, and every later answer
    would be certain. One temperature never changes the order of categories.

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
    """Probabilities, in the shape of the logits: softmax over categories, or the chance of a yes."""
    scaled = np.asarray(logits, dtype="float64") / temperature
    return softmax(scaled, axis=1) if scaled.ndim == 2 else expit(scaled)


def log_loss_of_logits(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-likelihood in nats, taken from logits so that a sure mistake stays a finite number."""
    logits, labels = np.asarray(logits, dtype="float64"), np.asarray(labels)
    if logits.ndim == 2:
        return float(-log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean())
    return float(-log_expit(np.where(labels > 0, logits, -logits)).mean())


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Mean distance between what was said and what came true, over bins of equal width weighted by their examples.

    0 is perfect, 1 the worst.

    Raises:
        ModelError: there are no examples, or a probability is no finite number.
    """
    table = reliability(probabilities, labels, bins)
    return float((table["examples"] * (table["said"] - table["came_true"]).abs()).sum() / table["examples"].sum())


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> pd.DataFrame:
    """What a reliability diagram draws, a row for each bin that holds examples.

    With several categories, what is said is the probability of the likeliest one, and it comes true when that is the
    label. With one question, what is said is the chance of a yes.

    Returns:
        Columns `from` and `to`, borders of the bin; `said`, mean probability; `came_true`, share; `examples`.
    """
    probabilities, labels = np.asarray(probabilities, dtype="float64"), np.asarray(labels)
    _check(probabilities, labels, "probabilities")
    if probabilities.ndim == 2:
        said, came_true = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    else:
        said, came_true = probabilities, labels > 0
    place = np.clip(np.ceil(said * bins).astype(int) - 1, 0, bins - 1)  # bins are open below and closed above
    examples = np.bincount(place, minlength=bins)
    filled = np.flatnonzero(examples)
    return pd.DataFrame(
        {
            "from": filled / bins,
            "to": (filled + 1) / bins,
            "said": np.bincount(place, weights=said, minlength=bins)[filled] / examples[filled],
            "came_true": np.bincount(place, weights=came_true, minlength=bins)[filled] / examples[filled],
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
            remedy="look for values that are no numbers in the training table, or lower learning_rate",
        )
