"""Whether the arms have the sizes that their shares promise: a test that may be looked at every night.

People that are lost in one arm alone (a broken log, a filter that only the treated pass) bias every figure of an
experiment, and show in nothing but the counts. The test is the Bayes factor of Lindon and Malek, "Anytime-valid
inference for multinomial count data" (2020; NeurIPS 2022): a Dirichlet prior around the stated shares against these
shares themselves. Under the stated shares it is a martingale of mean 1, so that by Ville's inequality the chance
that it ever reaches 1/alpha, however often one looks, is at most alpha.
"""

from __future__ import annotations

import math

import numpy as np

THRESHOLD = 0.001
"""A p-value below it is an alarm: of a thousand experiments in order, at most one ever raises it. So strict a
value is usual (Fabijan et al., "Diagnosing sample ratio mismatch in online controlled experiments", KDD 2019)."""

PRIOR_PEOPLE = 1_000
"""Weight of the prior, as if so many people had come in the stated shares: about as large as the least imbalance, of
some percent, that is looked for. With a tenth or ten times of it the evidence differs by a factor of about three."""

_log_gamma = np.vectorize(math.lgamma, otypes=[float])


def log_evidence(counts: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Natural logarithm of the Bayes factor against the stated shares.

    Args:
        counts: people in each arm (..., arms).
        shares: what the arms should have (arms,), adding up to 1.
    """
    counts, prior = np.asarray(counts, float), PRIOR_PEOPLE * np.asarray(shares, float)
    seen = _log_gamma(prior + counts) - _log_gamma(prior) - counts * np.log(shares)
    return math.lgamma(PRIOR_PEOPLE) - _log_gamma(PRIOR_PEOPLE + counts.sum(-1)) + seen.sum(-1)


def p_value(log_evidence: np.ndarray) -> np.ndarray:
    """The chance, at most, that sound arms ever show so much evidence."""
    return np.exp(-np.maximum(log_evidence, 0.0))
