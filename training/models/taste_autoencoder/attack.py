"""Membership attacks on `taste_autoencoder`: can the model tell the people it learned from and strangers apart?"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from training.models.taste_autoencoder.basket_metrics import PaddedScorer, pad
from training.models.taste_autoencoder.baskets import LEAST_ITEMS, Baskets
from training.privacy.membership import AttackSignals, relative_popularity, sample

_SCORES_A_BATCH = 16_000_000


def attack_baskets(score: PaddedScorer, item_ids: np.ndarray, baskets: Baskets) -> AttackSignals:
    """Two attacks on people of the training part (members) and on those whom it never saw (strangers).

    `loss`: the mean score of all items of a person if all of them are visible, in standard deviations over all items.
    `completion`: the mean score of the hidden fifth if the rest is visible. From both, the part that the popularity of
    the items explains (a straight line through all people) is subtracted: strangers who like rarer items are no leak.

    Args:
        item_ids: the items that `score` scores, in its order (items,).
    """
    members = baskets.trained_on[np.diff(baskets.rows.indptr)[baskets.trained_on] >= LEAST_ITEMS]
    strangers = baskets.strangers
    codes = pd.Index(item_ids).get_indexer(baskets.distinct_ids) + 1
    counts = np.ones(len(item_ids))
    counts[codes[codes > 0] - 1] = baskets.counts[codes > 0]
    popularity = relative_popularity(counts)
    of_members, of_strangers = (
        _signals(score, codes, popularity, baskets, sample(group)) for group in (members, strangers)
    )
    corrected = {}
    for name in of_members:
        signal, popular = (np.concatenate([of_members[name][part], of_strangers[name][part]]) for part in (0, 1))
        corrected[name] = signal - np.polyval(np.polyfit(popular, signal, 1), popular) if len(signal) > 1 else signal
    count = len(of_members["loss"][0])
    return AttackSignals(
        "people",
        members={name: values[:count] for name, values in corrected.items()},
        strangers={name: values[count:] for name, values in corrected.items()},
    )


def _signals(
    score: PaddedScorer, codes: np.ndarray, popularity: np.ndarray, baskets: Baskets, people: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """For each attack the mean standardised score of people's items, and that of their popularity (people,)."""
    halves, popular = baskets.fold_in(people), _standardised(popularity[None, :])
    inputs = {"loss": (baskets.rows[people], baskets.rows[people]), "completion": (halves.visible, halves.hidden)}
    signals = {}
    size = max(1, _SCORES_A_BATCH // len(popularity))
    for name, (visible, targets) in inputs.items():
        known = _known(targets, codes, len(popularity))
        means = []
        for start in range(0, max(1, len(people)), size):
            batch = slice(start, start + size)
            scores = _standardised(score(pad(visible[batch], codes)))
            means.append((_means(known[batch], scores), _means(known[batch], np.broadcast_to(popular, scores.shape))))
        signals[name] = tuple(np.concatenate(parts) for parts in zip(*means, strict=True))
    finite = np.all([np.isfinite(signal) for signal, _ in signals.values()], axis=0)
    return {name: (signal[finite], popular[finite]) for name, (signal, popular) in signals.items()}


def _standardised(scores: np.ndarray) -> np.ndarray:
    """Scores (people, items) with mean 0 and standard deviation 1 in each row."""
    return (scores - scores.mean(axis=1, keepdims=True)) / (scores.std(axis=1, keepdims=True) + 1e-9)


def _known(rows: csr_matrix, codes: np.ndarray, items: int) -> csr_matrix:
    """The same rows by the items of a model (people, items); items that it does not know are left out."""
    kept = np.flatnonzero(codes > 0)
    to_items = csr_matrix((np.ones(len(kept)), (kept, codes[kept] - 1)), shape=(len(codes), items))
    return (rows @ to_items).tocsr()


def _means(rows: csr_matrix, scores: np.ndarray) -> np.ndarray:
    """Mean score of the items of each row; NaN for a row without items (people,)."""
    counts = np.diff(rows.indptr)
    sums = np.asarray(rows.multiply(scores).sum(axis=1)).ravel()
    with np.errstate(invalid="ignore"):
        return sums / np.where(counts > 0, counts, np.nan)
