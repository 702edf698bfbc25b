"""Training batches of photos, with random variations: mirroring, shifting, erasing, blending."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from training.media.batches import varied_batches
from training.models.interest_vision.network import InterestVisionConfig


def photo_batches(
    pixels: np.ndarray, labels: np.ndarray, categories: int, config: InterestVisionConfig
) -> tf.data.Dataset:
    """Augmented photos with target probabilities, reshuffled every epoch; the last, smaller batch is dropped.

    Args:
        pixels: in the size that the net reads, uint8 (photos, size, size, channels).
        labels: index of each photo's category (photos,).
        categories: number of categories.

    Returns:
        Pairs of values 0 to 255 (batch, size, size, channels), float32, and targets (batch, categories).
    """
    return varied_batches(
        pixels,
        labels,
        categories,
        lambda photos, random: augmented(photos, config, random).astype("float32"),
        shape=pixels.shape[1:],
        batch_size=config.batch_size,
        mixup_alpha=config.mixup_alpha,
        seed=config.seed,
    )


def augmented(pixels: np.ndarray, config: InterestVisionConfig, random: np.random.Generator) -> np.ndarray:
    """Photos with random mirroring, shifting and erasing, uint8 (photos, height, width, channels).

    A shift repeats the border. A rectangle filled with a random grey is random erasing (Zhong et al., 2017,
    arXiv:1708.04896).
    """
    count, height, width, _ = pixels.shape
    flip = random.random(count) < config.flip_share
    varied = np.where(flip[:, None, None, None], pixels[:, :, ::-1], pixels)
    shift = config.shift_pixels
    if shift > 0:
        down, right = random.integers(-shift, shift + 1, (2, count))
        rows = np.clip(np.arange(height) + down[:, None], 0, height - 1)  # (photos, height)
        columns = np.clip(np.arange(width) + right[:, None], 0, width - 1)
        varied = varied[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    if config.erase_pixels > 0:
        erase = random.random(count) < config.erase_share
        top, rows = _random_side(height, config.erase_pixels, count, random)
        left, columns = _random_side(width, config.erase_pixels, count, random)
        in_rows = (np.arange(height) >= top[:, None]) & (np.arange(height) < (top + rows)[:, None])
        in_columns = (np.arange(width) >= left[:, None]) & (np.arange(width) < (left + columns)[:, None])
        erased = erase[:, None, None] & in_rows[:, :, None] & in_columns[:, None, :]  # (photos, height, width)
        grey = random.integers(0, 256, (count, 1, 1, 1), dtype=np.uint8)
        varied = np.where(erased[..., None], grey, varied)
    return varied


def _random_side(side: int, longest: int, count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Start and length of one side of each rectangle, half of `longest` to all of it, within `side` (photos,)."""
    longest = min(longest, side)
    length = random.integers((longest + 1) // 2, longest + 1, count)
    return (random.random(count) * (side - length + 1)).astype(int), length
