"""How much each item of a history contributed to the score of one recommended item, by integrated gradients."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from training.integrated_gradients import Score, compiled_gradient, integrated_gradients

STEPS = 64
"""Steps of the path; with 64, attributions add up to the difference of scores within 1 %, for both backbones."""

POSITIONS_SHOWN = 10
"""Items further from the end of the history than this are summed up."""


class HistoryPath(NamedTuple):
    """The first three arguments of `integrated_gradients` and `completeness`."""

    score: Score
    """From embedded histories (batch, step, dimensions) to the score of each row's target (batch,)."""
    vectors: np.ndarray
    """The embedded histories (batch, step, dimensions); summed over dimensions, attributions are those of items."""
    baseline: np.ndarray
    """Histories of the same lengths made of the average item (batch, step, dimensions)."""


def history_path(ranker: keras.Model, inputs: tuple[np.ndarray, ...], targets: np.ndarray) -> HistoryPath:
    """The path from a history of the average item to each real history, and the score of one target item per row.

    Zero vectors would be a bad baseline: a net that normalises its input gives almost the same score all the way from 0
    to an item, and changes it only within the very first part of the path.

    Args:
        ranker: the served net, whose layer `items` embeds histories and scores items.
        inputs: coded histories (batch, step), then the side inputs of the net.
        targets: indices of the items whose scores are explained (batch,).
    """
    explained = ExplainedHistories(ranker)
    vectors, baseline, target_vectors = explained.path(inputs, targets)
    return HistoryPath(lambda embedded: explained.score(embedded, target_vectors, *inputs), vectors, baseline)


class ExplainedHistories:
    """A ranker whose scores are explained in many batches: its items are read once, its gradients compiled once."""

    def __init__(self, ranker: keras.Model) -> None:
        self._ranker, self._embedding = ranker, ranker.get_layer("items")
        self._table = np.asarray(self._embedding.embeddings)  # (1 + items, dimensions)
        self._average = self._table[1:].mean(axis=0)
        self._gradient = compiled_gradient(self.score)

    def score(self, embedded, target_vectors, *inputs):
        """From embedded histories (batch, step, dimensions) to the score of each row's target (batch,)."""
        with _vectors_in_place_of(self._embedding, embedded, target_vectors):
            return self._ranker(list(inputs) if len(inputs) > 1 else inputs[0])[:, 0]

    def path(self, inputs: tuple[np.ndarray, ...], targets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Embedded histories and their baselines (batch, step, dimensions), and target vectors (batch, dimensions)."""
        vectors = self._table[inputs[0]]
        return vectors, np.where(inputs[0][..., None] > 0, self._average, vectors), self._table[targets + 1]

    def attributions(self, inputs: tuple[np.ndarray, ...], targets: np.ndarray, steps: int) -> np.ndarray:
        """How much each item of each history raised the score of the row's target (batch, step).

        Args:
            inputs, targets: as `history_path` takes them.
        """
        vectors, baseline, target_vectors = self.path(inputs, targets)
        moved = integrated_gradients(
            self.score, vectors, baseline, target_vectors, *inputs, steps=steps, gradient=self._gradient
        )
        return moved.sum(axis=-1)


def shares_by_position(attributions: np.ndarray, codes: np.ndarray) -> dict[str, float]:
    """Share of each position, counted from the end of the history, in the sum of absolute attributions.

    Args:
        attributions: of the items of histories (people, step).
        codes: item codes, 0 for padding (people, step).
    """
    lengths = np.count_nonzero(codes, axis=1)[:, None]
    from_end = np.where(codes > 0, lengths - np.arange(codes.shape[1]), 0)  # (people, step), 1 is the latest
    sizes = np.bincount(np.minimum(from_end, POSITIONS_SHOWN).ravel(), np.abs(attributions).ravel())[1:]
    names = ["latest item", *(f"item {position} from the end" for position in range(2, len(sizes) + 1))]
    return dict(zip(names, (sizes / (sizes.sum() or 1.0)).tolist(), strict=True))


@contextlib.contextmanager
def _vectors_in_place_of(embedding: keras.layers.Layer, vectors, target_vectors) -> Iterator[None]:
    """Make the embedding layer return `vectors` for every history, and score only each row's target.

    Cutting the net behind this layer would be simpler, but Keras cannot clone a graph in which a layer is used twice.
    """

    def call(inputs, reverse=False):
        if not reverse:
            return vectors
        scores = ops.sum(inputs * target_vectors, axis=-1, keepdims=True)  # (batch, 1)
        return ops.pad(scores, [[0, 0], [1, 0]])  # the ranker cuts off the score of padding

    original, embedding.call = embedding.call, call
    try:
        yield
    finally:
        embedding.call = original
