"""Baselines for baskets: popularity, and EASE with the best of several penalties."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.models.taste_autoencoder.basket_metrics import PaddedScorer, rank_baskets
from training.models.taste_autoencoder.baskets import Baskets
from training.models.taste_autoencoder.ease import fit_ease


def popularity(baskets: Baskets) -> PaddedScorer:
    """The scorer that gives every person the number of people who chose each item."""
    counts = baskets.counts[baskets.known].astype(float)
    return lambda padded: np.broadcast_to(counts, (len(padded), len(counts)))


def tuned_ease(baskets: Baskets, penalties: Sequence[float]) -> tuple[PaddedScorer, float, float]:
    """EASE with the penalty that is best on the validation part.

    Returns:
        Its scorer, the penalty, and its validation NDCG@100.
    """
    item_ids, rows = baskets.distinct_ids[baskets.known], baskets.training_rows
    best = None
    for penalty in penalties:
        score = fit_ease(rows, penalty, most_items=len(item_ids)).score
        ndcg = float(rank_baskets(score, item_ids, baskets.validation, baskets.distinct_ids).ndcg(100).mean())
        if best is None or ndcg > best[2]:
            best = score, penalty, ndcg
    return best
