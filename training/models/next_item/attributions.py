"""How much each item of a history moved the score of one recommended item, by integrated gradients."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from training.integrated_gradients import Score

STEPS = 64
"""With them attributions add up to far within 1 % of the difference of scores, for both backbones."""


PLACES_SHOWN = 10
"""Items further from the end than this are counted as one."""


class HistoryPath(NamedTuple):
    """What `integrated_gradients` and `completeness` take first."""

    score: Score
    """Embedded histories (batch, step, dimensions) to the score of each row's item (batch,)."""
    vectors: np.ndarray
    """The histories embedded (batch, step, dimensions); attributions summed over dimensions are those of items."""
    baseline: np.ndarray
    """Histories as long of the average item (batch, step, dimensions)."""


def history_path(ranker: keras.Model, inputs: tuple[np.ndarray, ...], targets: np.ndarray) -> HistoryPath:
    """The way from a history of the average item to each history, and the score on it of one item a row.

    Vectors of 0 would not do as baseline: a net that normalises its input answers the same for all of the way from 0
    to an item, and changes its mind within the first hair's breadth.

    Args:
        ranker: the served net, whose layer `items` embeds histories and scores items.
        inputs: coded histories (batch, step), then the side inputs that the net takes.
        targets: places of the items whose scores are explained (batch,).
    """
    embedding = ranker.get_layer("items")
    table = np.asarray(embedding.embeddings)  # (1 + items, dimensions)
    vectors, wanted = table[inputs[0]], table[targets + 1]  # (batch, step, dimensions), (batch, dimensions)

    def score(embedded):
        with _embedding_given(embedding, embedded, wanted):
            return ranker(list(inputs) if len(inputs) > 1 else inputs[0])[:, 0]

    return HistoryPath(score, vectors, np.where(inputs[0][..., None] > 0, table[1:].mean(axis=0), vectors))


def shares_by_place(moved: np.ndarray, codes: np.ndarray) -> dict[str, float]:
    """Share of each place, counted from the end of the history, in all attributions by absolute value.

    Args:
        moved: attributions of items (people, step).
        codes: 0 where there is no item (people, step).
    """
    lengths = np.count_nonzero(codes, axis=1)[:, None]
    from_end = np.where(codes > 0, lengths - np.arange(codes.shape[1]), 0)  # (people, step), 1 is the latest
    sizes = np.bincount(np.minimum(from_end, PLACES_SHOWN).ravel(), np.abs(moved).ravel())[1:]
    names = ["latest item", *(f"item {place} from the end" for place in range(2, len(sizes) + 1))]
    return dict(zip(names, (sizes / (sizes.sum() or 1.0)).tolist(), strict=True))


@contextlib.contextmanager
def _embedding_given(embedding: keras.layers.Layer, vectors, wanted) -> Iterator[None]:
    """Let the layer that looks items up and scores them answer with these vectors, and score one item a row.

    Cutting the net after the look-up would be plainer, but Keras cannot clone a graph in which the layer stands twice.
    """

    def call(given, reverse=False):
        if not reverse:
            return vectors
        scores = ops.sum(given * wanted, axis=-1, keepdims=True)  # (batch, 1)
        return ops.pad(scores, [[0, 0], [1, 0]])  # the ranker cuts off the score of padding

    own, embedding.call = embedding.call, call
    try:
        yield
    finally:
        embedding.call = own
