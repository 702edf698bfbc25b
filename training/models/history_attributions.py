"""How much each item of a history moved the score of one recommended item, by integrated gradients."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras
import numpy as np
from keras import ops

from training.models.integrated_gradients import completeness, integrated_gradients

STEPS = 64
"""With them attributions add up to far within 1 % of the difference of scores, for both backbones."""


def history_attributions(
    ranker: keras.Model, inputs: tuple[np.ndarray, ...], targets: np.ndarray, *, steps: int = STEPS
) -> tuple[np.ndarray, np.ndarray]:
    """Attributions of the history's items (batch, step), and how far each row is from adding up (batch,).

    The baseline is a history as long of the average item. Vectors of 0 would not do: a net that normalises its input
    answers the same for all of the way from 0 to an item, and changes its mind within the first hair's breadth.

    Args:
        ranker: the served net, whose layer `items` embeds histories.
        inputs: coded histories (batch, step), then the side inputs that the net takes.
        targets: places of the items whose scores are explained (batch,).
    """
    embedding = ranker.get_layer("items")
    vectors = np.asarray(embedding.embeddings)[inputs[0]]  # (batch, step, dimensions)

    def score(embedded):
        with _embedding_given(embedding, embedded):
            scores = ranker(list(inputs) if len(inputs) > 1 else inputs[0])  # (batch, items)
        return ops.take_along_axis(scores, targets[:, None], axis=1)[:, 0]

    average = np.asarray(embedding.embeddings)[1:].mean(axis=0)  # (dimensions,)
    baseline = np.where(inputs[0][..., None] > 0, average, vectors)
    moved = integrated_gradients(score, vectors, baseline, steps=steps)
    return moved.sum(axis=-1), completeness(score, vectors, baseline, moved)


@contextlib.contextmanager
def _embedding_given(embedding: keras.layers.Layer, vectors) -> Iterator[None]:
    """Let a layer that is shared between looking up and scoring answer every look-up with these vectors.

    Cutting the net after the look-up would be plainer, but Keras cannot clone a graph in which the layer stands twice.
    """
    call = embedding.call
    embedding.call = lambda given, reverse=False: call(given, reverse=True) if reverse else vectors
    try:
        yield
    finally:
        embedding.call = call
