"""Training batches of photos, with random variations: mirroring, shifting, erasing, blending."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

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
    random = np.random.default_rng(config.seed)
    batch, count = batch_and_steps(len(labels), config)
    targets = np.eye(categories, dtype="float32")

    def epoch() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        order = random.permutation(len(labels))
        for start in range(0, count * batch, batch):
            chosen = order[start : start + batch]
            photos = augmented(pixels[chosen], config, random).astype("float32")
            yield _blended(photos, targets[labels[chosen]], config.mixup_alpha, random)

    signature = (tf.TensorSpec((batch, *pixels.shape[1:]), "float32"), tf.TensorSpec((batch, categories), "float32"))
    dataset = tf.data.Dataset.from_generator(epoch, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(count)).prefetch(4)


def batch_and_steps(photos: int, config: InterestVisionConfig) -> tuple[int, int]:
    """Photos per batch and batches per epoch, at least one, for a number of training photos."""
    batch = min(config.batch_size, photos)
    return batch, photos // batch


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


def _blended(
    photos: np.ndarray, targets: np.ndarray, alpha: float, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Each photo and its target blended with another of the batch: mixup (Zhang et al., 2018, arXiv:1710.09412)."""
    if alpha <= 0:
        return photos, targets
    share = random.beta(alpha, alpha, (len(photos), 1)).astype("float32")
    other = random.permutation(len(photos))
    blended = share[..., None, None] * photos + (1 - share[..., None, None]) * photos[other]
    return blended, share * targets + (1 - share) * targets[other]
