"""Losses of a ranking: how far the wanted item stands above others, one number a step.

All take the score of the wanted item (...) and return a loss of that shape, in float32. Losses over sampled negatives
take their scores (..., negative) and `counts` of the same shape, 0 where a drawn negative is the wanted item itself,
else 1: such a draw adds nothing.
"""

from __future__ import annotations

from keras import ops

_NEVER = -1e9


def softmax(scores, wanted):
    """Cross-entropy over all items.

    Args:
        scores: of all items (..., items).
        wanted: place of the wanted item (...).
    """
    return ops.sparse_categorical_crossentropy(wanted, ops.cast(scores, "float32"), from_logits=True)


def sampled_softmax(wanted, others, counts, log_expected_count):
    """Cross-entropy whose sum over all items is estimated from sampled negatives.

    The scores of negatives are lowered by the logarithm of how often the draw is expected to give them (negative,),
    which makes the sum over them an unbiased estimate of the sum over all other items (Bengio and Senecal, 2008,
    importance sampling).
    """
    wanted, others = ops.cast(wanted, "float32"), ops.cast(others, "float32")
    corrected = ops.where(counts > 0, others - log_expected_count, _NEVER)
    return ops.logsumexp(ops.concatenate([wanted[..., None], corrected], axis=-1), axis=-1) - wanted


def bpr_max(wanted, others, counts, penalty):
    """BPR-max (Hidasi and Karatzoglou, 2018, arXiv:1706.03847, formulas 9 and 10).

    The chance that the wanted item beats a negative, averaged with the softmax of the negatives' scores as weights,
    so that the strongest negatives count most; plus `penalty` times the negatives' squared scores under the same
    weights.
    """
    wanted, others = ops.cast(wanted, "float32"), ops.cast(others, "float32")
    weights = ops.softmax(ops.where(counts > 0, others, _NEVER), axis=-1) * counts
    log_weights = ops.log(ops.maximum(weights, 1e-30))
    beats = ops.logsumexp(log_weights + ops.log_sigmoid(wanted[..., None] - others), axis=-1)
    return penalty * ops.sum(weights * ops.square(others), axis=-1) - beats


def gbce(wanted, others, counts, *, items, calibration):
    """Generalised binary cross-entropy, mean over the wanted item and its uniformly drawn negatives.

    gBCE (Petrov and Macdonald, RecSys 2023, arXiv:2308.07192, formula 17): sampling makes a model overconfident, and
    raising the wanted item's chance to the power `beta` takes that back, fully at `calibration` 1 and not at all at 0.
    """
    wanted, others = ops.cast(wanted, "float32"), ops.cast(others, "float32")
    negatives = others.shape[-1]
    sampled_share = min(1.0, negatives / max(1, items - 1))
    beta = sampled_share * (calibration * (1 - 1 / sampled_share) + 1 / sampled_share)
    against = ops.sum(ops.log_sigmoid(-others) * counts, axis=-1)
    return -(beta * ops.log_sigmoid(wanted) + against) / (negatives + 1)
