"""Metrics beside accuracy: diversity and novelty of what is shown, and NDCG corrected for popularity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse

from training.sequences.histories import Histories

_PEOPLE_A_BATCH = 512


@dataclass(frozen=True)
class ItemStatistics:
    """Who acted on which item in the training part: what metrics beside accuracy and item-kNN need."""

    acts: scipy.sparse.csr_array
    """1 where a person acted on an item (items, people)."""

    @cached_property
    def counts(self) -> np.ndarray:
        """Number of people who acted on each item (items,)."""
        return np.diff(self.acts.indptr)

    @cached_property
    def directions(self) -> scipy.sparse.csr_array:
        """Rows of `acts` of length 1: the product of two is the cosine of two items (items, people)."""
        lengths = np.sqrt(np.maximum(self.counts, 1))
        return scipy.sparse.diags_array(1 / lengths).tocsr() @ self.acts.astype("float32")

    @cached_property
    def surprise(self) -> np.ndarray:
        """Bits of surprise of each item, -log2 of the share of people who acted on it (items,)."""
        return -np.log2(np.maximum(self.counts, 1) / max(self.acts.shape[1], 1))

    @classmethod
    def of(cls, histories: Histories, items: int) -> ItemStatistics:
        """From people's training histories, in which items have the codes 1 to `items`."""
        people, codes = histories.cells()
        cells = (np.ones(len(people), "int8"), (codes - 1, people))
        acts = scipy.sparse.coo_array(cells, shape=(items, len(histories))).tocsr()
        acts.data[:] = 1
        return cls(acts)


def gini(counts: np.ndarray) -> float:
    """Gini coefficient of counts (items,): 0 if all are equal, near 1 if one item has everything; 0 for all zeros."""
    ordered = np.sort(counts)
    if not ordered.sum():
        return 0.0
    ranks = np.arange(1, len(ordered) + 1)
    return float((2 * ranks - len(ordered) - 1) @ ordered / (len(ordered) * ordered.sum()))


def novelty(top: np.ndarray, statistics: ItemStatistics) -> float:
    """Mean self-information of what is shown, in bits (Zhou et al., 2010); top (people, k), -1 for an empty rank."""
    return float(statistics.surprise[top[top >= 0]].mean()) if (top >= 0).any() else 0.0


def intra_list_diversity(top: np.ndarray, statistics: ItemStatistics) -> float:
    """Mean over people of 1 - cosine, over all pairs of items in a person's list (Smyth and McClave, 2001).

    Two items are similar if the same people acted on both. The sum over pairs is
    (|sum of directions|^2 - number of items with acts) / 2, so no pair is ever written out.

    Args:
        top: indices of the listed items, -1 for an empty rank (people, k).
    """
    people, ranks = np.nonzero(top >= 0)
    items = top[people, ranks]
    total = np.zeros(len(top))
    for start in range(0, len(top), _PEOPLE_A_BATCH):
        inside = (people >= start) & (people < start + _PEOPLE_A_BATCH)
        cells = (np.ones(inside.sum(), "float32"), (people[inside] - start, items[inside]))
        batch = scipy.sparse.coo_array(cells, shape=(min(_PEOPLE_A_BATCH, len(top) - start), len(statistics.counts)))
        summed = batch.tocsr() @ statistics.directions  # (batch, people of the training part)
        total[start : start + _PEOPLE_A_BATCH] = summed.multiply(summed).sum(axis=1)
    known = np.bincount(people, weights=statistics.counts[items] > 0, minlength=len(top))
    shown = np.bincount(people, minlength=len(top))
    pairs = shown * (shown - 1) / 2
    with_pairs = pairs > 0
    return float((1 - (total - known)[with_pairs] / 2 / pairs[with_pairs]).mean()) if with_pairs.any() else 0.0


def debiased(values: np.ndarray, targets: np.ndarray, statistics: ItemStatistics, power: float = 0.5) -> float:
    """Weighted mean of a metric, each target weighted by its popularity to the power of -`power`.

    Self-normalised inverse propensity scoring with a power law of popularity as propensity (Yang et al., RecSys 2018).
    The default power is a mild correction of our choice. An unknown target has the weight of the rarest one.

    Args:
        values: the metric of each person (people,).
        targets: item code of each person's target, 0 for unknown (people,).
    """
    counts = np.where(targets > 0, statistics.counts[np.maximum(targets, 1) - 1], 1)
    weights = np.maximum(counts, 1.0) ** -power
    return float((weights * values).sum() / weights.sum())
