"""Metrics of rankings with several relevant items, one held-out person at a time.

Every item that the model knows is ranked, except the person's visible ones. At equal scores an irrelevant item ranks
before a relevant one; a relevant item that the model does not know is a miss. Definitions of Liang et al. (2018,
arXiv:1802.05814, section 4.2): NDCG@k is the discounted gain of the best k over that of the ideal order, and
Recall@k divides the hits by the smaller of k and the number of relevant items.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from training.learner import Measured
from training.metrics.ranking import average_precision_of, hits_of, ndcg_of, recall_of, top_items, without
from training.models.taste_autoencoder.baskets import FoldIn

TOP = 100
"""Ranks beyond this count as no hit."""

_CELLS_A_BATCH = 4_000_000

PaddedScorer = Callable[[np.ndarray], np.ndarray]
"""From item codes of some people (people, longest), 0 for padding, to scores of all items (people, items)."""


@dataclass(frozen=True)
class BasketRanking:
    """The ranks of the relevant items of some people."""

    hits: np.ndarray
    """Whether each of the first 100 ranks holds a relevant item (people, 100)."""
    relevant: np.ndarray
    """Number of relevant items of each person, known to the model or not (people,)."""
    coverage: float
    """Share of all items that are in at least one person's top 10; items that the model does not know are in none."""

    def ndcg(self, k: int) -> np.ndarray:
        """NDCG@k (people,)."""
        return ndcg_of(self.hits[:, :k], self.relevant)

    def recall(self, k: int) -> np.ndarray:
        """Recall@k: hits over the most that are possible (people,)."""
        return recall_of(self.hits[:, :k], self.relevant)

    def summary(self) -> Mapping[str, float]:
        """Means over people, by the names that reports use."""
        means = {
            "ndcg@100": self.ndcg(100).mean(),
            "ndcg@10": self.ndcg(10).mean(),
            "map@100": average_precision_of(self.hits, self.relevant).mean(),
            "recall@20": self.recall(20).mean(),
            "recall@50": self.recall(50).mean(),
            "coverage@10": self.coverage,
        }
        return {name: round(float(value), 6) for name, value in means.items()}


def rank_baskets(
    score: PaddedScorer,
    item_ids: np.ndarray,
    held_out: FoldIn,
    distinct_ids: np.ndarray,
    *,
    never_shown: int = 0,
) -> BasketRanking:
    """Rank the hidden items of held-out people, given their visible ones.

    Args:
        item_ids: the items that `score` scores, in its order (items,).
        distinct_ids: the items of the columns of `held_out` (distinct,).
        never_shown: number of items of the training part that are not among `item_ids`.

    Raises:
        ModelError: the scores are not numbers.
    """
    codes = pd.Index(item_ids).get_indexer(distinct_ids) + 1  # (distinct,)
    shown = np.zeros(len(item_ids), bool)
    hits = np.zeros((len(held_out), TOP), bool)
    size = max(1, _CELLS_A_BATCH // max(len(item_ids), 1))
    for start in range(0, len(held_out), size):
        batch = slice(start, start + size)
        padded = pad(held_out.visible[batch], codes)
        people, steps = np.nonzero(padded)
        scores = without(score(padded), people, padded[people, steps])
        batch_hits = hits_of(scores, _relevant(held_out.hidden[batch], codes, len(item_ids)), TOP)
        hits[batch, : batch_hits.shape[1]] = batch_hits
        top = top_items(scores, 10)
        shown[top[top >= 0]] = True
    return BasketRanking(hits, np.diff(held_out.hidden.indptr), float(shown.sum() / (len(shown) + never_shown)))


def best_items(
    score: PaddedScorer, item_ids: np.ndarray, held_out: FoldIn, distinct_ids: np.ndarray, k: int = 10
) -> np.ndarray:
    """Ids of each person's best items that are not visible, best first, None where there are no more (people, k)."""
    codes, found = pd.Index(item_ids).get_indexer(distinct_ids) + 1, np.full((len(held_out), k), None, object)
    size = max(1, _CELLS_A_BATCH // max(len(item_ids), 1))
    for start in range(0, len(held_out), size):
        batch = slice(start, start + size)
        padded = pad(held_out.visible[batch], codes)
        people, steps = np.nonzero(padded)
        top = top_items(without(score(padded), people, padded[people, steps]), k)
        found[batch, : top.shape[1]] = np.where(top >= 0, item_ids[top], None)
    return found


def measured(ranking: BasketRanking) -> Measured:
    """The measures of a ranking; NDCG@100 decides."""
    return Measured("ndcg@100", ranking.ndcg(100), ranking.summary())


def _relevant(hidden: csr_matrix, codes: np.ndarray, items: int) -> np.ndarray:
    """True for relevant items (people, items); items that the model does not know have no column."""
    code = codes[hidden.indices]
    people = np.repeat(np.arange(hidden.shape[0]), np.diff(hidden.indptr))
    relevant = np.zeros((hidden.shape[0], items), bool)
    relevant[people[code > 0], code[code > 0] - 1] = True
    return relevant


def pad(rows: csr_matrix, codes: np.ndarray) -> np.ndarray:
    """Codes of the items of each row, padded with 0 on the right; items of code 0 are left out (people, longest)."""
    person = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    code = codes[rows.indices]
    person, code = person[code > 0], code[code > 0]
    lengths = np.bincount(person, minlength=rows.shape[0])
    padded = np.zeros((rows.shape[0], max(1, lengths.max(initial=0))), "int32")
    padded[person, np.arange(len(person)) - np.repeat(np.cumsum(lengths) - lengths, lengths)] = code
    return padded
