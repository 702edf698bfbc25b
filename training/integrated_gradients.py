"""Integrated gradients: how much each feature contributed to a score (Sundararajan et al., 2017, arXiv:1703.01365)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

STEPS = 32
"""Points on the path from the baseline to the features at which the gradient is taken."""

Score = Callable[[Any], Any]
"""From features (batch, ...) to one score per row (batch,), in Keras operations."""


def integrated_gradients(score: Score, features: np.ndarray, baseline: np.ndarray, *, steps: int = STEPS) -> np.ndarray:
    """Attributions: how much each feature changed the score, on the way from the baseline to the features.

    The path integral is computed by Gauss-Legendre quadrature, which is exact for polynomials of degree 2 x steps - 1:
    smooth nets need few steps.

    Args:
        features: (batch, ...).
        baseline: features that stand for no information; broadcasts to `features`.

    Returns:
        Attributions in the shape of `features`; those of a row add up to its score minus the score of its baseline.
    """
    points, weights = np.polynomial.legendre.leggauss(steps)
    difference = (features - baseline).astype("float32")
    total = np.zeros_like(difference)
    slope = _gradient_of(score)
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        total += weight * np.asarray(slope((baseline + point * difference).astype("float32")))
    return difference * total


def _gradient_of(score: Score) -> Callable[[np.ndarray], Any]:
    """The gradient of each row's score with respect to its features, compiled; rows must not depend on each other."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(jax.grad(lambda x: keras.ops.sum(score(x))))
    import tensorflow as tf

    @tf.function
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = keras.ops.sum(score(x))
        return tape.gradient(total, x)

    return lambda features: slope(tf.convert_to_tensor(features))


def completeness(score: Score, features: np.ndarray, baseline: np.ndarray, attributions: np.ndarray) -> np.ndarray:
    """How far each row's attributions are from adding up, as a share of its difference of scores (batch,)."""
    full = np.broadcast_to(baseline, features.shape).astype("float32")
    difference = np.asarray(score(features)) - np.asarray(score(full))
    summed = attributions.reshape(len(features), -1).sum(axis=1)
    return np.abs(summed - difference) / np.maximum(np.abs(difference), 1e-6)


def mean_shares(attributions: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Share of each named feature in the mean absolute attributions, largest first; the shares add up to 1.

    Args:
        attributions: by the name of the feature (batch,).
    """
    sizes = {name: float(np.abs(values).mean()) for name, values in attributions.items()}
    total = sum(sizes.values()) or 1.0
    return {name: size / total for name, size in sorted(sizes.items(), key=lambda one: -one[1])}
