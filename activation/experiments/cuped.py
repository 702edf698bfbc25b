"""Variance that behaviour before explains is taken out: narrower intervals from the same people.

CUPED (Deng, Xu, Kohavi and Walker, "Improving the sensitivity of online controlled experiments by utilizing
pre-experiment data", WSDM 2013) subtracts from each value what a linear regression on behaviour before the experiment
foresees of it. As nobody's past depends on the arm, both arms lose the same on average and the difference keeps its
meaning. One regression over both arms is used, as a holdout of a tenth is too small for one of its own (on when that
pays: Lin, "Agnostic notes on regression adjustments to experimental data", 2013). The interval is then that of the
adjusted values; that slopes are estimated again every night is covered by section 3 of the paper in `intervals`.
"""

from __future__ import annotations

import numpy as np

PEOPLE_A_SLOPE = 20
"""With fewer people a slope, nothing is adjusted: a regression that fits chance makes intervals too narrow."""

_RELATIVE = 1e-9
"""What is so much smaller than the rest is an error of rounding."""


def design(covariates: np.ndarray) -> np.ndarray:
    """Covariates as an orthonormal basis with mean zero (people, rank), of rank 0 where they say nothing.

    A covariate of which none is negative, such as counts and euros, enters three times: as it is, as its logarithm
    (of one more), and as whether it is above zero; who came ten times rarely comes ten times as likely. A missing value
    (NaN) becomes the mean of those known, and is marked in a column of its own. What is constant, or follows from the
    others, falls away.

    Args:
        covariates: (people, columns), all from before the person's first day in the experiment.
    """
    if not covariates.size:
        return np.empty((len(covariates), 0))
    counts = covariates[:, (np.nan_to_num(covariates, nan=0.0) >= 0).all(0)]
    raised = np.where(np.isfinite(counts), counts > 0, np.nan)
    shapes = np.concatenate([covariates, np.log1p(counts), raised], axis=1)
    known = np.isfinite(shapes)
    means = np.divide(
        np.where(known, shapes, 0.0).sum(0), known.sum(0), out=np.zeros(shapes.shape[1]), where=known.any(0)
    )
    gaps = ~np.isfinite(covariates)
    columns = np.concatenate([np.where(known, shapes - means, 0.0), gaps - gaps.mean(0)], axis=1)
    scale = np.concatenate([1.0 + np.abs(means), np.ones(gaps.shape[1])]) * np.sqrt(len(columns))
    lengths = np.linalg.norm(columns, axis=0)
    varying = lengths > _RELATIVE * scale
    columns = columns[:, varying] / lengths[varying]
    if not columns.size:
        return columns
    values, vectors = np.linalg.eigh(columns.T @ columns)
    kept = values > _RELATIVE * values[-1]
    return columns @ (vectors[:, kept] / np.sqrt(values[kept]))


def adjusted(values: np.ndarray, basis: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Values without what the basis foresees of them.

    Args:
        values: (people, metrics)
        basis: of `design` (people, rank).

    Returns:
        Adjusted values (people, metrics) with the means of before; the share of their variance that went, beyond what
        so many slopes take out by chance, from 0 to 1 (metrics,); and the number of slopes.
    """
    people, rank = basis.shape
    if not rank or people < PEOPLE_A_SLOPE * rank:
        return values, np.zeros(values.shape[1]), 0
    foreseen = basis.T @ values  # (rank, metrics)
    before = np.square(values - values.mean(0)).sum(0)
    left = 1.0 - np.divide(np.square(foreseen).sum(0), before, out=np.zeros_like(before), where=before > 0)
    removed = np.clip(1.0 - left * (people - 1) / (people - 1 - rank), 0.0, 1.0)
    return values - basis @ foreseen, removed, rank
