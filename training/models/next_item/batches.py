"""The inputs of the ranker, and training batches that are padded only to their own longest history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np

from training.sequences.histories import Histories
from training.sequences.shuffling import shuffled_windows

_BATCHES_A_BLOCK = 16
"""Histories are sorted by length within blocks of this many batches: little padding, and the order stays random."""

_FEWEST_STEPS, _ROWS_OF_SHAPES = 8, 128
"""JAX compiles once for each shape: there a batch is padded to so many steps, or twice or four times as many, and what
is ranked to a multiple of so many rows."""


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


def of_one_shape(inputs: tuple[np.ndarray, ...], max_length: int) -> tuple[np.ndarray, ...]:
    """Inputs of the ranker with zeros to `max_length` steps and to a multiple of rows, which come back scored too."""
    below = -len(inputs[0]) % _ROWS_OF_SHAPES
    right = max_length - inputs[0].shape[1]
    return tuple(np.pad(one, [(0, below), (0, right if one.dtype == np.int32 else 0)]) for one in inputs)


def next_item_batches(
    histories: Histories,
    *,
    max_length: int,
    batch_size: int,
    seed: int,
    order_noise: float = 0.0,
    time_gap: bool = False,
    taste: int = 0,
) -> Any:
    """Pairs of (inputs, next items), reshuffled every epoch; steps are (batch, step), tastes (batch, taste).

    A history longer than `max_length` becomes several rows, so that all its acts are learned from.

    On TensorFlow it is a tf.data dataset and not a `keras.utils.PyDataset`, because Keras takes the shape of the first
    two batches of the latter for the shape of all: if those two have the same length, a batch of another length ends
    the training. On JAX it is a `PyDataset` of few shapes.

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

    count = -(-len(histories) // batch_size)
    if keras.backend.backend() != "tensorflow":
        return OfFewShapes(epoch, count, batch_size=batch_size, max_length=max_length)
    import tensorflow as tf

    steps = tf.TensorSpec((None, None), "int32")
    tastes = tf.TensorSpec((None, taste), "float32")
    inputs = (steps, *[steps] * time_gap, *[tastes] * (taste > 0))
    signature = (inputs if len(inputs) > 1 else steps, steps)
    dataset = tf.data.Dataset.from_generator(epoch, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2)


class OfFewShapes(keras.utils.PyDataset):
    """Batches padded to whole batches and to few lengths; a thread makes the next one while the model has this one."""

    def __init__(self, epoch: Callable[[], Iterator[tuple]], count: int, *, batch_size: int, max_length: int) -> None:
        super().__init__()
        self.epoch, self.count, self.batch_size, self.max_length = epoch, count, batch_size, max_length
        self.batches: Iterator[tuple] = iter(())

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple:
        """The next batch; Keras asks for them in order, and 0 begins an epoch."""
        if index == 0:
            self.batches = _one_ahead(self.epoch())
        inputs, targets = next(self.batches)
        if isinstance(inputs, tuple):
            return tuple(map(self._padded, inputs)), self._padded(targets)
        return self._padded(inputs), self._padded(targets)

    def _padded(self, values: np.ndarray) -> np.ndarray:
        """Codes (batch, step) or tastes (batch, taste) with zeros below, and codes with zeros to their right."""
        below, right = self.batch_size - len(values), 0
        if values.dtype == np.int32:
            doubled = _FEWEST_STEPS << max(0, (values.shape[1] - 1) // _FEWEST_STEPS).bit_length()
            right = min(self.max_length, doubled) - values.shape[1]
        return np.pad(values, [(0, below), (0, right)])


def _one_ahead(batches: Iterator[tuple]) -> Iterator[tuple]:
    """The same batches, each made by a thread while the one before it is used."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = thread.submit(next, batches, None)
            yield batch


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
