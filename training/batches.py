"""Batches for training, padded only to their own longest history."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from training.data import Histories

_BATCHES_A_BLOCK = 16
"""Histories are sorted by length within blocks of this many batches: little padding, and still a random order."""


def next_item_batches(histories: Histories, *, max_length: int, batch_size: int, seed: int) -> tf.data.Dataset:
    """Pairs of (histories, next items), both (batch, step), shuffled anew every epoch.

    A tf.data dataset and not a `keras.utils.PyDataset`, because Keras takes the shape of the first two batches of the
    latter for the shape of all: where those two happen to be of one length, a batch of another ends the training.
    """
    random = np.random.default_rng(seed)

    def epoch() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for people in shuffled(histories.lengths, batch_size, random):
            padded = histories.take(people).padded(max_length + 1)
            yield padded[:, :-1], padded[:, 1:]

    shape = tf.TensorSpec((None, None), "int32")
    count = -(-len(histories) // batch_size)
    dataset = tf.data.Dataset.from_generator(epoch, output_signature=(shape, shape))
    return dataset.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2)


def shuffled(lengths: np.ndarray, batch_size: int, random: np.random.Generator) -> list[np.ndarray]:
    """Places of the histories of each batch, in random order, histories of similar length together."""
    order = random.permutation(len(lengths))
    block = np.arange(len(order)) // (batch_size * _BATCHES_A_BLOCK)
    order = order[np.lexsort((lengths[order], block))]
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return [batches[place] for place in random.permutation(len(batches))]
