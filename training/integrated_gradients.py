"""Integrated gradients: how much each input moved a score (Sundararajan et al., ICML 2017, arXiv:1703.01365)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

STEPS = 32
"""Places on the way from the baseline to the input at which the gradient is taken."""

Score = Callable[[Any], Any]
"""Features (batch, ...) to one score each (batch,), in Keras operations."""


def integrated_gradients(score: Score, features: np.ndarray, baseline: np.ndarray, *, steps: int = STEPS) -> np.ndarray:
    """How much each feature moved the score, from the baseline to the features; the same shape as `features`.

    The path integral is taken by Gauss-Legendre quadrature, exact for polynomials of degree 2 x steps - 1: smooth nets
    need few steps.

    Args:
        features: (batch, ...).
        baseline: what stands for no information; broadcasts to `features`.
    """
    places, weights = np.polynomial.legendre.leggauss(steps)
    difference = (features - baseline).astype("float32")
    total = np.zeros_like(difference)
    slope = _gradient_of(score)
    for place, weight in zip((places + 1) / 2, weights / 2, strict=True):
        total += weight * np.asarray(slope((baseline + place * difference).astype("float32")))
    return difference * total


def _gradient_of(score: Score) -> Callable[[np.ndarray], Any]:
    """The gradient of each row's score by that row's features, compiled; rows must not depend on each other."""
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
    """How far the attributions are from adding up, as a share of the scores' difference (batch,)."""
    full = np.broadcast_to(baseline, features.shape).astype("float32")
    difference = np.asarray(score(features)) - np.asarray(score(full))
    summed = attributions.reshape(len(features), -1).sum(axis=1)
    return np.abs(summed - difference) / np.maximum(np.abs(difference), 1e-6)


def mean_shares(attributions: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Share of each named feature in all attributions, by absolute value, largest first; they add up to 1."""
    sizes = {name: float(np.abs(values).mean()) for name, values in attributions.items()}
    total = sum(sizes.values()) or 1.0
    return {name: size / total for name, size in sorted(sizes.items(), key=lambda one: -one[1])}
