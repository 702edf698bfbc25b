"""Training batches of labelled files, varied anew every epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

Vary = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""Values of some files (batch, ...) -> what the net reads of each, randomly varied, float32 (batch, ...)."""


def batch_and_steps(files: int, batch_size: int) -> tuple[int, int]:
    """Files per batch and batches per epoch, at least one, for a number of training files."""
    batch = min(batch_size, files)
    return batch, files // batch


def varied_batches(
    values: np.ndarray,
    labels: np.ndarray,
    categories: int,
    vary: Vary,
    *,
    shape: tuple[int, ...],
    batch_size: int,
    mixup_alpha: float,
    seed: int,
) -> tf.data.Dataset:
    """Varied files with target probabilities, reshuffled every epoch; the last, smaller batch is dropped.

    Args:
        values: (files, ...).
        labels: index of each file's category (files,).
        categories: number of categories.
        shape: of what `vary` makes of one file.
        mixup_alpha: pairs are blended with shares from Beta(alpha, alpha); 0 blends none.

    Returns:
        Pairs of inputs (batch, *shape) and targets (batch, categories), float32.
    """
    random = np.random.default_rng(seed)
    batch, count = batch_and_steps(len(labels), batch_size)
    targets = np.eye(categories, dtype="float32")

    def epoch() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        order = random.permutation(len(labels))
        for start in range(0, count * batch, batch):
            chosen = order[start : start + batch]
            yield blended(vary(values[chosen], random), targets[labels[chosen]], mixup_alpha, random)

    signature = (tf.TensorSpec((batch, *shape), "float32"), tf.TensorSpec((batch, categories), "float32"))
    dataset = tf.data.Dataset.from_generator(epoch, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(count)).prefetch(4)


def blended(
    inputs: np.ndarray, targets: np.ndarray, alpha: float, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Each input and its target blended with another of the batch: mixup (Zhang et al., 2018, arXiv:1710.09412).

    Args:
        inputs: float32 (batch, height, width, channels).
        targets: probabilities (batch, categories).
    """
    if alpha <= 0:
        return inputs, targets
    share = random.beta(alpha, alpha, (len(inputs), 1)).astype("float32")
    other = random.permutation(len(inputs))
    mixed = share[..., None, None] * inputs + (1 - share[..., None, None]) * inputs[other]
    return mixed, share * targets + (1 - share) * targets[other]
