"""Intervals for the difference of two means that hold on all nights at once, so that anybody may look every night.

The method is the asymptotic confidence sequence of Robbins' normal mixture: Waudby-Smith, Arbour, Sinha, Kennedy and
Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences" (Annals of Statistics, 2024), section 2.
With t the observed person-days and T the planned ones, the half width is

    standard error * sqrt((1 + 1/r) * (log(1 + r) + 2 log(1/alpha))),    r = R * t/T,

where R = -2 log(alpha) + log(1 - 2 log(alpha)) makes it narrowest about t = T. There it is 1.55 times as wide as an
interval for a single look; at a tenth of the plan it is 1.97 times as wide, at ten times the plan 1.65 times. `T` is
chosen before the first look. It is the boundary of the mixture sequential probability ratio test too (Johari, Koomen,
Pekelis and Walsh, "Always valid inference", 2022), whose mixture has the variance that R sets.

Person-days are the clock, because evidence comes with people and with the days over which each is watched. A look at
more days of the same people repeats what the earlier look saw. The mixture assumes that it repeats no less than sums
of independent steps do, which have correlation sqrt(t/t') between looks; people whose habits last repeat more, and the
more two looks are alike the less often either errs (Slepian's inequality).

The standard error is the larger of two: that of each arm's own variance (Welch), and that of the variance of both arms
together. The first alone trusts a small holdout that, by luck, holds no great spender: mean and variance are then both
too small, and experiments without any effect say "significant" on skewed euros far more often than promised; `python -m
bench.lift` measures both. The second alone is wrong where a message narrows the variance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95

LEAST_PEOPLE = 100
"""So many people in each arm before anything is said."""

LEAST_ACTING = 10
"""So many people in each arm with a value other than zero: a mean of fewer is not near enough to normal."""

_MOST_TIMES = 1e6
"""An effect that a million times the people would not show is none."""


@dataclass(frozen=True)
class Plan:
    """The size for which intervals are narrowest, chosen before the first look."""

    people: int
    days: int

    @property
    def person_days(self) -> float:
        return float(self.people * self.days)


@dataclass(frozen=True)
class Arms:
    """Sums of the metrics over the people of two arms (metrics,)."""

    people: tuple[int, int]
    """Treated, held out."""
    means: np.ndarray
    """(2, metrics)"""
    variances: np.ndarray
    """(2, metrics)"""
    acting: np.ndarray
    """People whose value is not zero (2, metrics)."""

    @classmethod
    def of(cls, values: np.ndarray, held_out: np.ndarray, acting: np.ndarray, slopes: int = 0) -> Arms:
        """From one row a person.

        Args:
            values: (people, metrics)
            held_out: (people,)
            acting: the values as they were before any adjustment, not zero for those who did something.
            slopes: how many were estimated to adjust; each takes out some variance by chance, which is put back.
        """
        weights = np.stack([~held_out, held_out]).astype(float)  # (2, people)
        people = weights.sum(1)
        divisors = np.maximum(people, 1.0)[:, None]
        centre = values.mean(0) if len(values) else np.zeros(values.shape[1])
        centred = values - centre  # a small difference would be lost in the squares of large numbers
        means = weights @ centred / divisors
        put_back = len(values) / max(len(values) - slopes, 1)
        squares = weights @ np.square(centred) - divisors * np.square(means)
        return cls(
            people=(int(people[0]), int(people[1])),
            means=means + centre,
            variances=np.maximum(squares, 0.0) / np.maximum(divisors - 1.0, 1.0) * put_back,
            acting=weights @ (acting != 0).astype(float),
        )

    @property
    def differences(self) -> np.ndarray:
        """Treated less held out (metrics,)."""
        return self.means[0] - self.means[1]

    @property
    def standard_errors(self) -> np.ndarray:
        """Of the differences, the larger of two (metrics,)."""
        people = np.maximum(np.array(self.people, float), 1.0)[:, None]
        own = (self.variances / people).sum(0)
        degrees = np.maximum(people - 1.0, 1.0)
        together = (self.variances * degrees).sum(0) / degrees.sum()
        return np.sqrt(np.maximum(own, together * (1.0 / people).sum()))

    @property
    def enough(self) -> np.ndarray:
        """Whether anything may be said yet (metrics,)."""
        return (min(self.people) >= LEAST_PEOPLE) & (self.acting.min(0) >= LEAST_ACTING)


def multiplier(person_days: np.ndarray | float, plan: Plan, confidence: float = CONFIDENCE) -> np.ndarray:
    """Half widths in standard errors, infinite where nothing was observed."""
    log_alpha = math.log(1.0 - confidence)
    tuned = -2.0 * log_alpha + math.log(1.0 - 2.0 * log_alpha)
    ratio = tuned * np.asarray(person_days, float) / plan.person_days
    with np.errstate(divide="ignore"):
        return np.sqrt((1.0 + 1.0 / ratio) * (np.log1p(ratio) - 2.0 * log_alpha))


def people_needed(arms: Arms, person_days: float, plan: Plan, confidence: float = CONFIDENCE) -> np.ndarray:
    """People of both arms still missing until an interval leaves out zero, should the difference stay (metrics,).

    They come in the present shares and are watched for as many days each. Infinite where there is no difference.
    """
    now, errors = sum(arms.people), arms.standard_errors
    signal = np.abs(arms.differences) / np.where(errors > 0, errors, np.inf)

    def shown(times: np.ndarray) -> np.ndarray:
        """Whether so many times the people would do."""
        return signal * np.sqrt(times) > multiplier(person_days * times, plan, confidence)

    low, high = np.zeros_like(signal), np.full_like(signal, _MOST_TIMES)
    for _ in range(60):  # of the logarithm, until it is exact to the person
        middle = np.sqrt(np.maximum(low, 1.0 / _MOST_TIMES) * high)
        enough = shown(middle)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    missing = np.maximum(np.ceil(now * (high - 1.0)), 0.0)
    return np.where(shown(np.ones_like(signal)), 0.0, np.where(shown(high), missing, np.inf))
