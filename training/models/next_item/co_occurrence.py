"""Which items the same people act on: item-kNN as a baseline, and spectral vectors as an initialisation."""

from __future__ import annotations

import numpy as np
import scipy.sparse
from sklearn.utils.extmath import randomized_svd

from training.metrics.diversity import ItemStatistics
from training.metrics.ranking import Scorer
from training.sequences.histories import Histories

NEIGHBOUR_STEPS = 10
"""Item-kNN looks at this many of a history's latest items; the latest one has the largest weight."""


def item_neighbours(statistics: ItemStatistics) -> Scorer:
    """Item-kNN (Sarwar et al., WWW 2001): the cosine of each item to the latest items of a history, summed.

    The latest item has the weight 1, the one before it 1/2, then 1/3 and so on. Items without any common person are
    ranked below, by popularity. The matrix of items x items is never made: scores go from the history's items to the
    people who acted on them, and from those people to their items.
    """
    directions = statistics.directions  # (items, people)
    to_items = directions.T.tocsr()  # (people, items)
    popularity = 1e-6 * statistics.counts / max(1, statistics.counts.max())

    def score(histories: Histories) -> np.ndarray:
        people, codes = histories.cells()
        from_end = np.repeat(np.cumsum(histories.lengths), histories.lengths) - 1 - np.arange(len(codes))
        latest = from_end < NEIGHBOUR_STEPS
        cells = (1 / (1.0 + from_end[latest]), (people[latest], codes[latest] - 1))
        weights = scipy.sparse.coo_array(cells, shape=(len(histories), directions.shape[0])).tocsr()
        return (weights @ directions @ to_items).toarray() + popularity

    return score


def spectral_vectors(statistics: ItemStatistics, dimensions: int, *, seed: int) -> np.ndarray:
    """A vector of length 1 for each item; two are close if the same people acted on both items.

    Truncated singular value decomposition of the acts, each divided by the square roots of the item's and the person's
    number of acts, so that people with long histories do not outweigh all others. If there are fewer items or people
    than `dimensions`, the remaining dimensions are zero.

    Returns:
        (items, dimensions), float32.
    """
    acts = np.maximum(statistics.acts.sum(axis=0), 1)  # (people,)
    shares = statistics.directions @ scipy.sparse.diags_array(acts**-0.5).astype("float32")
    rank = min(dimensions, *shares.shape)
    left, strengths, _ = randomized_svd(shares, rank, n_iter=3, random_state=seed)
    vectors = np.pad(left * strengths, [(0, 0), (0, dimensions - rank)])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-6)).astype("float32")
