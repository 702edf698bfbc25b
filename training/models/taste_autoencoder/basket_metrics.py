"""Metrics of a ranking with several right answers, a held-out person at a time.

Every item that the model knows is ranked except those it was told; at equal scores a wrong item stands before a right
one; an item that the model does not know is a right answer that it misses. Definitions of Liang et al. (2018,
arXiv:1802.05814, section 4.2): NDCG@k is the discounted gain of the best k over that of the ideal order, and
Recall@k divides the hits by the lesser of k and the number of right answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from training.metrics.ranking import average_precision_of, hits_of, ndcg_of, recall_of, top_items, without
from training.models.taste_autoencoder.baskets import FoldIn

TOP = 100
"""Ranks beyond this count as no hit."""

_CELLS_A_BATCH = 4_000_000

PaddedScorer = Callable[[np.ndarray], np.ndarray]
"""Item codes of some people (people, longest), 0 for none, to scores of all items (people, items)."""


@dataclass(frozen=True)
class BasketRanking:
    """Where the right answers of some people ranked."""

    hits: np.ndarray
    """Whether each of the best 100 places holds a right answer (people, 100)."""
    wanted: np.ndarray
    """Number of right answers of each person, known to the model or not (people,)."""
    coverage: float
    """Share of all items that are in the top 10 of someone."""

    def ndcg(self, k: int) -> np.ndarray:
        """NDCG@k (people,)."""
        return ndcg_of(self.hits[:, :k], self.wanted)

    def recall(self, k: int) -> np.ndarray:
        """Hits over the most that were possible (people,)."""
        return recall_of(self.hits[:, :k], self.wanted)

    def summary(self) -> Mapping[str, float]:
        """Means over people, by the names that reports use."""
        means = {
            "ndcg@100": self.ndcg(100).mean(),
            "ndcg@10": self.ndcg(10).mean(),
            "map@100": average_precision_of(self.hits, self.wanted).mean(),
            "recall@20": self.recall(20).mean(),
            "recall@50": self.recall(50).mean(),
            "coverage@10": self.coverage,
        }
        return {name: round(float(value), 6) for name, value in means.items()}


def rank_baskets(score: PaddedScorer, held_out: FoldIn, distinct_ids: np.ndarray, item_ids: np.ndarray):
    """Rank what held-out people chose, told the rest of it.

    Args:
        distinct_ids: the items that the columns of `held_out` stand for (distinct,).
        item_ids: the items that the model scores, in its order (items,).

    Raises:
        ModelError: the scores are not numbers.
    """
    codes = pd.Index(item_ids).get_indexer(distinct_ids) + 1  # (distinct,)
    shown = np.zeros(len(item_ids), bool)
    hits = np.zeros((len(held_out), TOP), bool)
    size = max(1, _CELLS_A_BATCH // max(len(item_ids), 1))
    for start in range(0, len(held_out), size):
        batch = slice(start, start + size)
        padded = pad(held_out.told[batch], codes)
        people, places = np.nonzero(padded)
        scores = without(score(padded), people, padded[people, places])
        found = hits_of(scores, _relevant(held_out.wanted[batch], codes, len(item_ids)), TOP)
        hits[batch, : found.shape[1]] = found
        top = top_items(scores, 10)
        shown[top[top >= 0]] = True
    return BasketRanking(hits, np.diff(held_out.wanted.indptr), float(shown.mean()))


def _relevant(wanted: csr_matrix, codes: np.ndarray, items: int) -> np.ndarray:
    """Which items are right answers (people, items); those that the model does not know have no column."""
    code = codes[wanted.indices]
    people = np.repeat(np.arange(wanted.shape[0]), np.diff(wanted.indptr))
    relevant = np.zeros((wanted.shape[0], items), bool)
    relevant[people[code > 0], code[code > 0] - 1] = True
    return relevant


def pad(rows: csr_matrix, codes: np.ndarray) -> np.ndarray:
    """Codes of the items of each row, 0 on the right; items with the code 0 are left out (people, longest)."""
    person = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    code = codes[rows.indices]
    person, code = person[code > 0], code[code > 0]
    lengths = np.bincount(person, minlength=rows.shape[0])
    padded = np.zeros((rows.shape[0], max(1, lengths.max(initial=0))), "int32")
    padded[person, np.arange(len(person)) - np.repeat(np.cumsum(lengths) - lengths, lengths)] = code
    return padded
