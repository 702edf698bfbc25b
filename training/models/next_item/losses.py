"""Ranking losses: how far the positive item, the next one, scores above the others; one number per step.

All take the score of the positive item (...) and return a float32 loss of that shape. Losses over sampled negatives
take the negatives' scores (..., negative) and a `mask` of the same shape: 0 for a sampled negative that is the positive
item itself, which then adds nothing to the loss, and 1 for all others.
"""

from __future__ import annotations

from keras import ops

_NEVER = -1e9


def softmax(scores, positive):
    """Cross-entropy over all items.

    Args:
        scores: of all items (..., items).
        positive: index of the positive item (...).
    """
    return ops.sparse_categorical_crossentropy(positive, ops.cast(scores, "float32"), from_logits=True)


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
