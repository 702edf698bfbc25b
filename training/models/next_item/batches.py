"""The inputs of the ranker, and training batches that are padded only to their own longest history."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from training.sequences.histories import Histories
from training.sequences.shuffling import shuffled_windows

_BATCHES_A_BLOCK = 16
"""Histories are sorted by length within blocks of this many batches: little padding, and the order stays random."""


def model_inputs(histories: Histories, max_length: int, *, time_gap: bool, taste: int) -> tuple[np.ndarray, ...]:
    """What the ranker reads: codes (people, step); with `time_gap` gaps (people, step); taste vectors (people, taste).

    Args:
        max_length: number of latest acts that are read.
        taste: length of the taste vectors; 0 for a ranker that reads none. People without a vector of that length get
            zeros.
    """
    inputs = [histories.padded(max_length)]
    if time_gap:
        inputs.append(histories.padded_gaps(max_length))
    if taste:
        tastes = histories.tastes
        fits = tastes is not None and tastes.shape[1] == taste
        inputs.append(tastes.astype("float32") if fits else np.zeros((len(histories), taste), "float32"))
    return tuple(inputs)


def next_item_batches(
    histories: Histories,
    *,
    max_length: int,
    batch_size: int,
    seed: int,
    order_noise: float = 0.0,
    time_gap: bool = False,
    taste: int = 0,
) -> tf.data.Dataset:
    """Pairs of (inputs, next items), reshuffled every epoch; steps are (batch, step), tastes (batch, taste).

    A history longer than `max_length` becomes several rows, so that all its acts are learned from.

    It is a tf.data dataset and not a `keras.utils.PyDataset`, because Keras takes the shape of the first two batches of
    the latter for the shape of all: if those two have the same length, a batch of another length ends the training.

    Args:
        order_noise: standard deviation, in steps, of the normal noise by which each act, with its gap, is moved in
            every epoch. It teaches the model not to rely on an order that says little.
        taste: length of the taste vectors, 0 for none.
    """
    random = np.random.default_rng(seed)
    histories = histories.windows(max_length + 1)

    def epoch() -> Iterator[tuple]:
        for people in shuffled(histories.lengths, batch_size, random):
            codes, *sides = model_inputs(histories.take(people), max_length + 1, time_gap=time_gap, taste=taste)
            order = disordered(codes > 0, order_noise, random)
            codes = np.take_along_axis(codes, order, axis=1)
            if time_gap:
                sides[0] = np.take_along_axis(sides[0], order, axis=1)[:, :-1]
            yield (codes[:, :-1], *sides) if sides else codes[:, :-1], codes[:, 1:]

    steps = tf.TensorSpec((None, None), "int32")
    tastes = tf.TensorSpec((None, taste), "float32")
    inputs = (steps, *[steps] * time_gap, *[tastes] * (taste > 0))
    count = -(-len(histories) // batch_size)
    signature = (inputs if len(inputs) > 1 else steps, steps)
    dataset = tf.data.Dataset.from_generator(epoch, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2)


def disordered(real: np.ndarray, noise: float, random: np.random.Generator) -> np.ndarray:
    """A noisy order of each row's steps: real steps stay about where they were, padding stays last (batch, step)."""
    steps = np.where(real, np.arange(real.shape[1]), np.inf)
    return np.argsort(steps + noise * random.standard_normal(real.shape) if noise else steps, axis=1, kind="stable")


def shuffled(lengths: np.ndarray, batch_size: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Indices of the histories of each batch; batches in random order, histories of similar length together.

    Of many histories, batches are those of a window after the other (`training/sequences/shuffling.py`).
    """
    for order in shuffled_windows(len(lengths), random, batch_size=batch_size):
        block = np.arange(len(order)) // (batch_size * _BATCHES_A_BLOCK)
        order = order[np.lexsort((lengths[order], block))]
        batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
        yield from (batches[index] for index in random.permutation(len(batches)))
