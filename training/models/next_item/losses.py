"""Ranking losses: how far the positive item, the next one, scores above the others; one number per step.

All take the score of the positive item (...) and return a float32 loss of that shape. Losses over sampled negatives
take the negatives' scores (..., negative) and a `mask` of the same shape: 0 for a sampled negative that is the positive
item itself, which then adds nothing to the loss, and 1 for all others.
"""

from __future__ import annotations

import keras
from keras import ops

_NEVER = -1e9

ITEMS_AT_A_TIME = 32_768
"""`softmax` holds the scores of at most so many items at a time."""


def softmax(states, vectors, index, positive, *, smoothing=0.0, items_at_a_time=ITEMS_AT_A_TIME):
    """Cross-entropy over all items; with `smoothing`, that share of the target is spread evenly over them.

    Of a larger catalogue the scores are made in blocks, and made again for the gradient, so that memory grows with the
    block and not with the catalogue (as in Cut Cross-Entropy; Wijmans et al., 2025, arXiv:2411.09009). The mean of all
    scores, which smoothing adds, is the score of the mean vector.

    Args:
        states: (..., dimensions).
        vectors: of all items, float32 (items, dimensions).
        index: of the positive item (...).
        positive: its score (...).
        smoothing: from 0 to 1 (Szegedy et al., 2016, arXiv:1512.00567).
        items_at_a_time: items of a block.
    """
    states, positive = ops.cast(states, "float32"), ops.cast(positive, "float32")
    if vectors.shape[0] <= items_at_a_time:
        scores = ops.matmul(states, ops.transpose(vectors))  # (..., items)
        loss = ops.sparse_categorical_crossentropy(index, scores, from_logits=True)
    else:
        block_total = keras.remat(_log_total)
        starts = range(0, vectors.shape[0], items_at_a_time)
        totals = [block_total(states, vectors[start : start + items_at_a_time]) for start in starts]
        loss = ops.logsumexp(ops.stack(totals, axis=-1), axis=-1) - positive
    if smoothing:
        loss = loss + smoothing * (positive - ops.matmul(states, ops.mean(vectors, axis=0)))
    return loss


def _log_total(states, vectors):
    """Logarithm of the sum over some items of the exponential of their scores (...)."""
    return ops.logsumexp(ops.matmul(states, ops.transpose(vectors)), axis=-1)


def sampled_softmax(positive, negatives, mask, log_expected_count):
    """Cross-entropy whose sum over all items is estimated from sampled negatives.

    The scores of the negatives are lowered by the logarithm of their expected number of draws, `log_expected_count`
    (negative,), which makes the sum over them an unbiased estimate of the sum over all other items (importance
    sampling; Bengio and Senecal, 2008).
    """
    positive, negatives = ops.cast(positive, "float32"), ops.cast(negatives, "float32")
    corrected = ops.where(mask > 0, negatives - log_expected_count, _NEVER)
    return ops.logsumexp(ops.concatenate([positive[..., None], corrected], axis=-1), axis=-1) - positive


def bpr_max(positive, negatives, mask, penalty):
    """BPR-max (Hidasi and Karatzoglou, 2018, arXiv:1706.03847, formulas 9 and 10).

    The probability that the positive item beats a negative, averaged with the softmax of the negatives' scores as
    weights, so that the strongest negatives count most; plus `penalty` times the mean of the negatives' squared scores
    under the same weights.
    """
    positive, negatives = ops.cast(positive, "float32"), ops.cast(negatives, "float32")
    weights = ops.softmax(ops.where(mask > 0, negatives, _NEVER), axis=-1) * mask
    log_weights = ops.log(ops.maximum(weights, 1e-30))
    beats = ops.logsumexp(log_weights + ops.log_sigmoid(positive[..., None] - negatives), axis=-1)
    return penalty * ops.sum(weights * ops.square(negatives), axis=-1) - beats


def gbce(positive, negatives, mask, *, items, calibration):
    """Generalised binary cross-entropy, mean over the positive item and its uniformly sampled negatives.

    gBCE (Petrov and Macdonald, RecSys 2023, arXiv:2308.07192, formula 17): sampling makes a model overconfident, and
    raising the positive item's probability to the power `beta` corrects that, fully at `calibration` 1 and not at all
    at 0.
    """
    positive, negatives = ops.cast(positive, "float32"), ops.cast(negatives, "float32")
    count = negatives.shape[-1]
    sampled_share = min(1.0, count / max(1, items - 1))
    beta = sampled_share * (calibration * (1 - 1 / sampled_share) + 1 / sampled_share)
    against = ops.sum(ops.log_sigmoid(-negatives) * mask, axis=-1)
    return -(beta * ops.log_sigmoid(positive) + against) / (count + 1)
