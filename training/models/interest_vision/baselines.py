"""The baseline for the category of a photo: logistic regression on pixels."""

from __future__ import annotations

import numpy as np

from training.media.learner import FILES_A_BATCH, logistic_chances
from training.models.interest_vision.network import resizer


def pixels_logistic(
    training: np.ndarray, labels: np.ndarray, photos: np.ndarray, categories: int, *, side: int
) -> np.ndarray:
    """Probabilities (photos, categories) by logistic regression on the values of `side` x `side` pixels.

    Args:
        training: uint8 (training photos, height, width, channels).
        labels: index of each training photo's category (training photos,).
        photos: uint8 (photos, height, width, channels).
    """
    shape = (side, side, training.shape[-1])
    values = [resized(pixels, shape).reshape(len(pixels), -1) / 127.5 - 1 for pixels in (training, photos)]
    return logistic_chances(values[0], labels, values[1], categories)


def resized(pixels: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Photos in the height, width and channels that a net reads, uint8 (photos, *shape)."""
    if pixels.shape[1:] == shape:
        return pixels
    values = resizer(pixels.shape[1:], shape).predict(pixels, batch_size=FILES_A_BATCH, verbose=0)
    return values.round().clip(0, 255).astype("uint8")
