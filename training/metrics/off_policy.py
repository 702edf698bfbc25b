"""What another policy would have earned, from what was shown under the present one: off-policy evaluation.

Each row is one place that was filled by lot: what it earned (`rewards`), the chance with which the logging policy had
drawn what it showed (`logged`), and the chance with which the other policy would have drawn the same (`target`). Three
estimates of the mean reward a place, each with its interval:

- `ips`, inverse propensity scores: the mean of weight times reward, weight = target / logged (Horvitz and Thompson,
  1952). Unbiased.
- `self_normalised`: divided by the mean weight instead of by 1 (Swaminathan and Joachims, "The self-normalized
  estimator for counterfactual learning", 2015). A little biased, often narrower.
- `doubly_robust`: what a model expects of the other policy, plus the weighted errors of the model on what was shown
  (Dudik, Langford and Li, "Doubly robust policy evaluation and learning", 2011). The narrower, the better the model.
  Unbiased with any model that has not learned from the row itself.

Clicks are rare, and one with a large weight may be missing by chance: an interval by the normal distribution is too
short, above all at its upper end. These are by the gamma distribution (Fay and Feuer, "Confidence intervals for
directly standardized rates", Statistics in Medicine 1997, for weighted sums of Poisson counts), whose upper end allows
for one more reward of the largest weight; their two arms are scaled to the standard error of each estimate, which is of
our own making. `python -m bench.off_policy` measures how often the truth is inside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import gamma

from contracts.errors import ModelError

LEAST_REWARDS = 10
"""Fewer rewards, by their weights, say next to nothing."""

LEAST_ROWS_SHARE = 0.05
"""With a smaller share of rows, by their weights, a few places decide."""

_STANDARD_ERRORS = 4.0
"""So far from 1 the mean weight is by chance once in some ten thousand logs."""


@dataclass(frozen=True)
class Estimate:
    """A mean reward a place, and its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class OffPolicy:
    """What another policy would have earned, and how far that is to be trusted."""

    ips: Estimate
    self_normalised: Estimate
    doubly_robust: Estimate | None
    """None without a model."""
    rows: int
    effective_rows: float
    """So many rows of equal weight say as much: (sum of weights)^2 / sum of squares (Kish)."""
    effective_rewards: float
    """The same of the rewards."""
    largest_weight: float
    too_little: str
    """Why the policies overlap too little for any of this to be used; empty where they do not."""


def off_policy(
    rewards: np.ndarray,
    logged: np.ndarray,
    target: np.ndarray,
    *,
    expected_logged: np.ndarray | None = None,
    expected_target: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    confidence: float = 0.95,
) -> OffPolicy:
    """The three estimates of one log.

    Args:
        rewards: not negative (rows,).
        logged: chance of what was shown under the policy that showed it, above 0 (rows,).
        target: chance of the same under the other policy (rows,).
        expected_logged: what a model that has not seen the row expects of what was shown (rows,).
        expected_target: what it expects of the other policy's draw in that place (rows,).
        groups: whole numbers; rows of one group, as of one person, depend on each other, and standard errors are those
            of the groups (Liang and Zeger, Biometrika 1986). None where every row is independent (rows,).

    Raises:
        ModelError: no rows, arrays of other lengths, a chance or reward outside of its range, or half of a model.
    """
    rewards, logged, target = (np.asarray(one, float) for one in (rewards, logged, target))
    _check(rewards, logged, target)
    if (expected_logged is None) != (expected_target is None):
        raise ModelError(
            expected="both expected_logged and expected_target, or neither",
            received="one of them",
            remedy="let the model say what it expects of what was shown and of what would have been",
        )
    rows, weights = len(rewards), target / logged
    earned = weights * rewards
    arms = _gamma_arms(earned, weights.max() * rewards.max(), confidence)
    mean_weight = weights.mean()
    normalised = earned.mean() / mean_weight if mean_weight > 0 else 0.0
    influence = weights * (rewards - normalised) / mean_weight if mean_weight > 0 else np.zeros(rows)
    robust = None
    if expected_logged is not None:
        contributions = np.asarray(expected_target) + weights * (rewards - np.asarray(expected_logged))
        robust = _around(contributions, arms, groups)
    effective_rows, effective_rewards = _effective(weights), _effective(earned)
    return OffPolicy(
        ips=_around(earned, arms, groups),
        self_normalised=_around(influence + normalised, arms, groups, least=0.0),
        doubly_robust=robust,
        rows=rows,
        effective_rows=effective_rows,
        effective_rewards=effective_rewards,
        largest_weight=float(weights.max()),
        too_little=_too_little(weights, effective_rows, effective_rewards),
    )


@dataclass(frozen=True)
class _Arms:
    """How far an interval reaches down and up from the estimate by weights alone, and the standard error of that."""

    down: float
    up: float
    standard_error: float


def _gamma_arms(earned: np.ndarray, largest: float, confidence: float) -> _Arms:
    """Of a mean of rare values, of which the largest that can come is known."""
    rows, total, squares, tail = len(earned), earned.sum(), np.square(earned).sum(), (1.0 - confidence) / 2
    low = gamma.ppf(tail, total**2 / squares, scale=squares / total) if total > 0 else 0.0
    largest = largest or 1.0  # nothing was earned, or nothing of what was shown would have been
    more, more_squares = total + largest, squares + largest**2
    high = gamma.ppf(1.0 - tail, more**2 / more_squares, scale=more_squares / more)
    return _Arms((total - low) / rows, (high - total) / rows, float(np.sqrt(squares)) / rows)


def _around(
    contributions: np.ndarray, arms: _Arms, groups: np.ndarray | None = None, least: float = -np.inf
) -> Estimate:
    """The mean of contributions, with arms as long as its standard error asks."""
    error = _standard_error(contributions, groups)
    error = arms.standard_error if error is None else error
    scale = error / arms.standard_error if arms.standard_error > 0 else 1.0
    value = float(contributions.mean())
    return Estimate(value, max(value - arms.down * scale, least), value + arms.up * scale)


def _standard_error(contributions: np.ndarray, groups: np.ndarray | None) -> float | None:
    """Of their mean; None where they are a single row or of a single group."""
    if groups is None:
        rows = len(contributions)
        return float(contributions.std(ddof=1)) / np.sqrt(rows) if rows > 1 else None
    _, group = np.unique(groups, return_inverse=True)
    sums = np.bincount(group, contributions - contributions.mean())  # (groups,)
    if len(sums) < 2:
        return None
    return float(np.sqrt(np.square(sums).sum() * len(sums) / (len(sums) - 1))) / len(contributions)


def _effective(weights: np.ndarray) -> float:
    squares = np.square(weights).sum()
    return float(weights.sum() ** 2 / squares) if squares > 0 else 0.0


def _too_little(weights: np.ndarray, effective_rows: float, effective_rewards: float) -> str:
    rows, mean = len(weights), weights.mean()
    error = weights.std(ddof=1) / np.sqrt(rows) if rows > 1 else np.inf
    if mean < 1.0 - max(_STANDARD_ERRORS * error, 1e-9):
        return f"of what the other policy would show, {1.0 - mean:.0%} was never shown"
    if mean > 1.0 + max(_STANDARD_ERRORS * error, 1e-9):
        return f"the weights have a mean of {mean:.3g} instead of 1: the chances are not those of the log"
    if effective_rows < LEAST_ROWS_SHARE * rows:
        return f"{rows} places are worth {effective_rows:.0f} under the other policy"
    if effective_rewards < LEAST_REWARDS:
        return f"its rewards are worth {effective_rewards:.1f}, of at least {LEAST_REWARDS}"
    return ""


def _check(rewards: np.ndarray, logged: np.ndarray, target: np.ndarray) -> None:
    lengths = {len(rewards), len(logged), len(target)}
    if len(lengths) != 1 or 0 in lengths:
        raise ModelError(
            expected="rewards, logged and target of equal length, of at least one row",
            received=f"{len(rewards)}, {len(logged)} and {len(target)}",
            remedy="give one of each for every place that was shown",
        )
    for name, values, fits, range_ in (
        ("rewards", rewards, np.isfinite(rewards) & (rewards >= 0), "not negative"),
        ("logged", logged, (logged > 0) & (logged <= 1), "above 0 and at most 1"),
        ("target", target, (target >= 0) & (target <= 1), "from 0 to 1"),
    ):
        if not fits.all():
            raise ModelError(
                expected=f"{name} that are {range_}",
                received=f"{values[~fits][0]} in row {int(np.argmin(fits))}",
                remedy="what was shown had a chance to be, and both policies' chances add up to 1",
            )
