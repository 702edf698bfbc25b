"""Batches for training, padded only to their own longest history, and what a model of histories reads."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from training.sequences.histories import Histories

_BATCHES_A_BLOCK = 16
"""Histories are sorted by length within blocks of this many batches: little padding, and still a random order."""


def model_inputs(histories: Histories, max_length: int, *, time_gap: bool, taste: int) -> tuple[np.ndarray, ...]:
    """Codes (people, step), gaps (people, step) if asked for, taste vectors (people, taste) if that is above 0."""
    inputs = [histories.padded(max_length)]
    if time_gap:
        inputs.append(histories.padded_gaps(max_length))
    if taste:
        found = histories.tastes
        fits = found is not None and found.shape[1] == taste
        inputs.append(found.astype("float32") if fits else np.zeros((len(histories), taste), "float32"))
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
    """Pairs of (inputs, next items), shuffled anew every epoch; steps are (batch, step), a taste (batch, taste).

    A history longer than `max_length` gives several rows, and all its acts are learned from. With `order_noise` above
    0 each act is moved by a normal number of places of that standard deviation, with its gap, anew every epoch: where
    order says little, or acts of one day stand in any order, the model learns not to rely on it.

    A tf.data dataset and not a `keras.utils.PyDataset`, because Keras takes the shape of the first two batches of the
    latter for the shape of all: where those two happen to be of one length, a batch of another ends the training.
    """
    random = np.random.default_rng(seed)
    histories = histories.windows(max_length + 1)

    def epoch() -> Iterator[tuple]:
        for people in shuffled(histories.lengths, batch_size, random):
            codes, *others = model_inputs(histories.take(people), max_length + 1, time_gap=time_gap, taste=taste)
            order = disordered(codes > 0, order_noise, random)
            codes = np.take_along_axis(codes, order, axis=1)
            if time_gap:
                others[0] = np.take_along_axis(others[0], order, axis=1)[:, :-1]
            yield (codes[:, :-1], *others) if others else codes[:, :-1], codes[:, 1:]

    steps = tf.TensorSpec((None, None), "int32")
    tastes = tf.TensorSpec((None, taste), "float32")
    inputs = (steps, *[steps] * time_gap, *[tastes] * (taste > 0))
    count = -(-len(histories) // batch_size)
    signature = (inputs if len(inputs) > 1 else steps, steps)
    dataset = tf.data.Dataset.from_generator(epoch, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2)


def disordered(real: np.ndarray, noise: float, random: np.random.Generator) -> np.ndarray:
    """An order of each row's steps in which real ones stand about where they stood, and padding last (batch, step)."""
    places = np.where(real, np.arange(real.shape[1]), np.inf)
    return np.argsort(places + noise * random.standard_normal(real.shape) if noise else places, axis=1, kind="stable")


def shuffled(lengths: np.ndarray, batch_size: int, random: np.random.Generator) -> list[np.ndarray]:
    """Places of the histories of each batch, in random order, histories of similar length together."""
    order = random.permutation(len(lengths))
    block = np.arange(len(order)) // (batch_size * _BATCHES_A_BLOCK)
    order = order[np.lexsort((lengths[order], block))]
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return [batches[place] for place in random.permutation(len(batches))]
