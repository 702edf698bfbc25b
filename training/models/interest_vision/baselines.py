"""Baselines for the category of a photo: the shares of categories, and logistic regression on pixels."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from training.models.interest_vision.network import resizer

PHOTOS_A_BATCH = 256


def majority_chances(labels: np.ndarray, photos: int, categories: int) -> np.ndarray:
    """The shares of categories among the labels, the same for every photo (photos, categories)."""
    return np.tile(np.bincount(labels, minlength=categories) / len(labels), (photos, 1))


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
    regression = LogisticRegression(max_iter=300).fit(values[0], labels)
    chances = np.zeros((len(photos), categories))
    chances[:, regression.classes_] = regression.predict_proba(values[1])
    return chances


def resized(pixels: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Photos in the height, width and channels that a net reads, uint8 (photos, *shape)."""
    if pixels.shape[1:] == shape:
        return pixels
    values = resizer(pixels.shape[1:], shape).predict(pixels, batch_size=PHOTOS_A_BATCH, verbose=0)
    return values.round().clip(0, 255).astype("uint8")
