"""Metrics of a ranking of all items, a person at a time.

Every item the model knows is ranked except those the person has acted on; an item that scores the same as the target
counts as ranked before it; a target that the model does not know has rank infinity. Full ranking because sampled
metrics can order models differently (Krichene and Rendle, KDD 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from contracts.errors import ModelError
from training.data import Histories

TOP = 10

Scorer = Callable[[Histories], np.ndarray]
"""Histories of some people to scores of all items (people, items)."""

_PEOPLE_A_BATCH = 512


@dataclass(frozen=True)
class Ranking:
    """How the targets of some people ranked."""

    ranks: np.ndarray
    """1 is the best, infinity where the target is unknown (people,)."""
    coverage: float
    """Share of all items that are in the top 10 of someone."""

    @property
    def ndcg(self) -> np.ndarray:
        """NDCG@10 with one relevant item, 1 / log2(rank + 1) (people,)."""
        return np.where(self.ranks <= TOP, 1 / np.log2(self.ranks + 1), 0.0)

    @property
    def recall(self) -> np.ndarray:
        """Recall@10 with one relevant item, also called hit rate (people,)."""
        return (self.ranks <= TOP).astype(float)

    @property
    def reciprocal_rank(self) -> np.ndarray:
        """1 / rank over the whole ranking (people,)."""
        return 1 / self.ranks

    def summary(self) -> Mapping[str, float]:
        """Means over people, by the names that reports use."""
        means = {
            f"ndcg@{TOP}": self.ndcg.mean(),
            f"recall@{TOP}": self.recall.mean(),
            "mrr": self.reciprocal_rank.mean(),
            f"coverage@{TOP}": self.coverage,
        }
        return {name: round(float(value), 6) for name, value in means.items()}


def rank_targets(score: Scorer, histories: Histories, targets: np.ndarray, *, items: int) -> Ranking:
    """Rank the targets (people,), codes with 0 for unknown, among `items` items, in batches of people.

    Raises:
        ModelError: the scores are not numbers.
    """
    ranks = np.full(len(histories), np.inf)
    shown = np.zeros(items, bool)
    for start in range(0, len(histories), _PEOPLE_A_BATCH):
        batch = slice(start, start + _PEOPLE_A_BATCH)
        some = histories.take(batch)
        scores = without_seen(score(some), some)
        ranks[batch] = ranks_of(scores, targets[batch])
        shown[top_items(scores, TOP)] = True
    return Ranking(ranks, float(shown.mean()))


def without_seen(scores: np.ndarray, histories: Histories) -> np.ndarray:
    """A copy of scores (people, items) with minus infinity for what the person has acted on.

    Raises:
        ModelError: the scores are not numbers.
    """
    if not np.isfinite(scores).all():
        raise ModelError(
            expected="a finite score for every item",
            received=f"{np.count_nonzero(~np.isfinite(scores))} scores that are not",
            remedy="train again, with a lower learning_rate",
        )
    people, codes = histories.cells()
    unseen = scores.copy()
    unseen[people, codes - 1] = -np.inf
    return unseen


def ranks_of(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Rank of each person's target (people,); targets are codes, 0 for unknown."""
    own = scores[np.arange(len(targets)), np.maximum(targets, 1) - 1]
    ranks = np.count_nonzero(scores >= own[:, None], axis=1)
    return np.where(targets > 0, ranks, np.inf)


def top_items(scores: np.ndarray, k: int) -> np.ndarray:
    """Places of items that are in someone's top k; items at minus infinity are in nobody's."""
    k = min(k, scores.shape[1])
    best = np.argpartition(-scores, k - 1, axis=1)[:, :k]  # (people, k)
    return np.unique(best[np.isfinite(np.take_along_axis(scores, best, axis=1))])


def same_for_everyone(item_scores: np.ndarray) -> Scorer:
    """The scorer of a baseline that does not look at the history; item_scores (items,)."""
    return lambda histories: np.broadcast_to(item_scores.astype(float), (len(histories), len(item_scores)))
