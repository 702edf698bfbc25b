"""Integrated gradients: how much each feature contributed to a score (Sundararajan et al., 2017, arXiv:1703.01365)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

STEPS = 32
"""Points on the path from the baseline to the features at which the gradient is taken."""

Score = Callable[..., Any]
"""From features (batch, ...), and what else it takes a row, to one score per row (batch,), in Keras operations."""


Gradient = Callable[..., Any]
"""From features (batch, ...), and what else each row's score depends on, to the score's gradient by the features."""


def integrated_gradients(
    score: Score,
    features: np.ndarray,
    baseline: np.ndarray,
    *others: np.ndarray,
    steps: int = STEPS,
    gradient: Gradient | None = None,
) -> np.ndarray:
    """Attributions: how much each feature changed the score, on the way from the baseline to the features.

    The path integral is computed by Gauss-Legendre quadrature, which is exact for polynomials of degree 2 x steps - 1:
    smooth nets need few steps.

    Args:
        features: (batch, ...).
        baseline: features that stand for no information; broadcasts to `features`.
        others: what the score takes besides, a row each.
        gradient: what `compiled_gradient` made of the score, for whoever asks for many batches.

    Returns:
        Attributions in the shape of `features`; those of a row add up to its score minus the score of its baseline.
    """
    points, weights = np.polynomial.legendre.leggauss(steps)
    difference = (features - baseline).astype("float32")
    total = np.zeros_like(difference)
    gradient = compiled_gradient(score) if gradient is None else gradient
    for point, weight in zip(((points + 1) / 2).tolist(), (weights / 2).tolist(), strict=True):  # floats keep float32
        total += weight * np.asarray(gradient((baseline + point * difference).astype("float32"), *others))
    return difference * total


def compiled_gradient(score: Score) -> Gradient:
    """The gradient of each row's score with respect to its features; rows must not depend on each other.

    It is compiled once for rows of equal shapes, however many a batch has.
    """
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(jax.grad(lambda x, *others: keras.ops.sum(score(x, *others))))
    import tensorflow as tf

    def gradient(features, *others):
        with tf.GradientTape() as tape:
            tape.watch(features)
            total = keras.ops.sum(score(features, *others))
        return tape.gradient(total, features)

    compiled: dict[tuple, Any] = {}

    def call(*inputs):
        inputs = [tf.convert_to_tensor(one) for one in inputs]
        rows = [tf.TensorSpec([None, *one.shape[1:]], one.dtype) for one in inputs]
        shapes = tuple((*row.shape[1:], row.dtype.name) for row in rows)
        if shapes not in compiled:
            compiled[shapes] = tf.function(gradient, input_signature=rows)
        return compiled[shapes](*inputs)

    return call


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
