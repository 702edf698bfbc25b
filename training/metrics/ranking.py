"""Metrics of rankings, one person at a time; `training/metrics/diversity.py` measures what is shown to all of them.

Every item that the model knows is ranked, except those the person has acted on. An item that scores the same as a
target counts as ranked before it; a target that the model does not know has rank infinity. The ranking is full because
sampled metrics can order models differently (Krichene and Rendle, KDD 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from contracts.errors import ModelError
from training.metrics.diversity import ItemStatistics, debiased, gini, intra_list_diversity, novelty
from training.sequences.histories import Histories

TOP = 10

Scorer = Callable[[Histories], np.ndarray]
"""From the histories of some people to scores of all items (people, items)."""

_PEOPLE_A_BATCH, _SCORES_A_BATCH = 512, 16_000_000
"""Most people and most scores that are held at a time."""


@dataclass(frozen=True)
class Ranking:
    """The ranks of some people's targets, a row each, and the items that were ranked highest.

    Metrics are of rows; `of_people` makes them metrics of people, the units of every interval.
    """

    ranks: np.ndarray
    """1 is the best, infinity where the target is unknown (rows,)."""
    top: np.ndarray
    """Indices of the items ranked highest, best first, -1 where there are no more (people, 10)."""
    targets: np.ndarray
    """Codes of the targets, 0 for unknown (people,)."""
    items: int
    """Number of ranked items."""
    never_shown: int = 0
    """Number of items of the training part that the model does not know: coverage and Gini count them as not shown."""
    statistics: ItemStatistics | None = None
    """Of the training part; without it the summary has no diversity, novelty and debiased NDCG."""
    owners: np.ndarray | None = None
    """Number of each row's person, where a person has several targets and so several rows; None for one row each."""

    def of_people(self, values: np.ndarray) -> np.ndarray:
        """Values of the rows (rows,) as the mean of each person (people,), people in the order of their numbers."""
        if self.owners is None:
            return values
        people = np.unique(self.owners, return_inverse=True)[1]
        return np.bincount(people, weights=values) / np.bincount(people)

    @property
    def ndcg(self) -> np.ndarray:
        """NDCG@10 with one relevant item, 1 / log2(rank + 1) (people,)."""
        return np.where(self.ranks <= TOP, 1 / np.log2(self.ranks + 1), 0.0)

    @property
    def recall(self) -> np.ndarray:
        """Recall@10 with one relevant item, also called hit rate (people,)."""
        return (self.ranks <= TOP).astype(float)

    @property
    def precision(self) -> np.ndarray:
        """Average precision at 10 with one relevant item, 1 / rank within the top 10 (people,)."""
        return np.where(self.ranks <= TOP, 1 / self.ranks, 0.0)

    @property
    def reciprocal_rank(self) -> np.ndarray:
        """1 / rank over the whole ranking (people,)."""
        return 1 / self.ranks

    @cached_property
    def shown(self) -> np.ndarray:
        """Number of people who have each item in their top 10, ranked items first (items + never shown,)."""
        return np.bincount(self.top[self.top >= 0], minlength=self.items + self.never_shown)

    @property
    def coverage(self) -> float:
        """Share of all items that are in at least one person's top 10."""
        return float((self.shown > 0).mean())

    @property
    def gini(self) -> float:
        """Inequality of how often items are shown: 0 if all are shown equally often, near 1 if few are."""
        return gini(self.shown)

    def summary(self) -> Mapping[str, float]:
        """Means over people, by the names that reports use."""
        means = {
            f"ndcg@{TOP}": self.of_people(self.ndcg).mean(),
            f"recall@{TOP}": self.of_people(self.recall).mean(),
            f"map@{TOP}": self.of_people(self.precision).mean(),
            "mrr": self.of_people(self.reciprocal_rank).mean(),
            f"coverage@{TOP}": self.coverage,
            f"gini@{TOP}": self.gini,
        }
        if self.statistics is not None:
            means |= {
                f"diversity@{TOP}": intra_list_diversity(self.top, self.statistics),
                f"novelty@{TOP}": novelty(self.top, self.statistics),
                f"debiased_ndcg@{TOP}": debiased(self.ndcg, self.targets, self.statistics),
            }
        return {name: round(float(value), 6) for name, value in means.items()}


def rank_targets(
    score: Scorer,
    histories: Histories,
    targets: np.ndarray,
    *,
    items: int,
    never_shown: int = 0,
    statistics: ItemStatistics | None = None,
) -> Ranking:
    """Rank one target per history among all items, in batches of histories.

    Args:
        targets: item codes, 0 for an item that the model does not know (people,).
        items: how many items the model knows.
        never_shown: how many other items there are.

    Raises:
        ModelError: the scores are not numbers.
    """
    ranks = np.full(len(histories), np.inf)
    top = np.full((len(histories), TOP), -1)
    size = min(_PEOPLE_A_BATCH, max(1, _SCORES_A_BATCH // items))
    for start in range(0, len(histories), size):
        batch = slice(start, start + size)
        people = histories.take(batch)
        scores = without_seen(score(people), people)
        ranks[batch] = ranks_of(scores, targets[batch])
        best = top_items(scores, TOP)
        top[batch, : best.shape[1]] = best
    return Ranking(ranks, top, targets, items, never_shown, statistics, histories.owners)


def without_seen(scores: np.ndarray, histories: Histories) -> np.ndarray:
    """A copy of scores (people, items) with minus infinity for the items that the person has acted on.

    Raises:
        ModelError: the scores are not numbers.
    """
    return without(scores, *histories.cells())


def without(scores: np.ndarray, people: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """A copy of scores (people, items) with minus infinity in the given cells.

    Args:
        people: row of each cell (cells,).
        codes: item code of each cell, from 1 (cells,).

    Raises:
        ModelError: the scores are not numbers.
    """
    if not np.isfinite(scores).all():
        raise ModelError(
            expected="a finite score for every item",
            received=f"{np.count_nonzero(~np.isfinite(scores))} scores that are not",
            remedy="train again, with a lower learning_rate",
        )
    unseen = np.array(scores)
    unseen[people, codes - 1] = -np.inf
    return unseen


def ranks_of(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Rank of each person's target, infinity for an unknown one (people,); targets are item codes, 0 for unknown."""
    own = scores[np.arange(len(targets)), np.maximum(targets, 1) - 1]
    ranks = np.count_nonzero(scores >= own[:, None], axis=1)
    return np.where(targets > 0, ranks, np.inf)


def top_items(scores: np.ndarray, k: int) -> np.ndarray:
    """Indices of each person's best items, best first, -1 where the score is minus infinity (people, at most k)."""
    k = min(k, scores.shape[1])
    best = np.argpartition(-scores, k - 1, axis=1)[:, :k]  # (people, k)
    values = np.take_along_axis(scores, best, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    best, values = np.take_along_axis(best, order, axis=1), np.take_along_axis(values, order, axis=1)
    return np.where(np.isfinite(values), best, -1)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Mean share of the items of a list that are in another of the same person; ids (people, k), None for no item."""
    shared = (one[:, :, None] == other[:, None, :]) & (one != None)[:, :, None]  # noqa: E711
    return float((shared.any(axis=2).sum(axis=1) / np.maximum((one != None).sum(axis=1), 1)).mean())  # noqa: E711


def same_for_everyone(item_scores: np.ndarray) -> Scorer:
    """A scorer that does not look at the history: every person gets the scores `item_scores` (items,)."""
    return lambda histories: np.broadcast_to(item_scores.astype(float), (len(histories), len(item_scores)))


def hits_of(scores: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Whether each of the top k ranks holds a relevant item, for people who may have several (people, k).

    Args:
        scores: minus infinity for items that must not be ranked (people, items).
        relevant: (people, items), boolean. Relevant items lose every tie.
    """
    against = np.where(relevant, np.nextafter(scores, -np.inf), scores)
    best = top_items(against, k)
    return (best >= 0) & np.take_along_axis(relevant, np.maximum(best, 0), axis=1)


def ndcg_of(hits: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """NDCG@k of each person, the ideal gain truncated at k too (Liang et al., 2018, section 4.2) (people,).

    Args:
        hits: whether each rank holds a relevant item (people, k).
        relevant: number of items that are relevant to each person (people,).
    """
    gains = 1 / np.log2(np.arange(2, hits.shape[1] + 2))  # (k,)
    ideal = np.concatenate([[0.0], np.cumsum(gains)])
    return (hits @ gains) / ideal[np.clip(relevant, 1, hits.shape[1])]


def recall_of(hits: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """Recall@k: hits (people, k) over min(k, relevant), as in Liang et al. (2018) (people,)."""
    return hits.sum(axis=1) / np.clip(relevant, 1, hits.shape[1])


def average_precision_of(hits: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """Average precision at k of hits (people, k), over all relevant items (people,)."""
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return (precision * hits).sum(axis=1) / np.maximum(relevant, 1)
