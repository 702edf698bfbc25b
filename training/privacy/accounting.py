"""Privacy accounting: the noise that a training needs for its epsilon, and the epsilon of several trainings together.

The unit is a PERSON: adding or removing all rows of one person changes the probability of every released model by at
most a factor of e^epsilon, except with probability delta (Dwork et al., 2006). Two mechanisms are composed by the Renyi
accountant of `dp-accounting` (Mironov, 2017, arXiv:1702.07476; Mironov, Talwar and Zhang, 2019, arXiv:1908.10530): the
steps of DP-SGD (Abadi et al., 2016, arXiv:1607.00133) on people sampled at random (Poisson sampling), and one noised
table of the statistics that a plain training would compute from the data before its first step.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from contracts.errors import ModelError

STATISTICS_SHARE = 0.2
"""The noise of the statistics: enough for this share of epsilon, if nothing else were released."""

THRESHOLD_SHARE = 0.01
"""Share of delta for the probability that a category of a single person gets into the vocabulary."""

_ORDERS = (1.75, 2, 2.5, 3, 3.5, *range(4, 33), *range(36, 65, 4), 80, 96, 128, 192, 256, 512)
"""Orders of the Renyi divergences; every choice gives a valid bound, a finer one a slightly tighter bound."""


@dataclass(frozen=True)
class Privacy:
    """The option `privacy` of a model's configuration."""

    epsilon: float = math.inf
    """Privacy loss of one training; `inf` is a plain training."""
    delta: float = 1e-5
    """Probability of a greater loss; well below one over the number of people."""
    clip: float = 1.0
    """Greatest norm of a person's gradient; a longer one is scaled down to it."""

    def __post_init__(self) -> None:
        if not (self.epsilon > 0 and 0 < self.delta < 1 and 0 < self.clip < math.inf):
            raise ModelError(
                expected="privacy with epsilon above 0, delta between 0 and 1 and clip above 0",
                received=f"epsilon {self.epsilon}, delta {self.delta}, clip {self.clip}",
                remedy="write for example `privacy: {epsilon: 3, delta: 1.0e-5, clip: 1.0}`",
            )

    @property
    def on(self) -> bool:
        """Whether a training is differentially private."""
        return math.isfinite(self.epsilon)


PLAIN = Privacy()
"""A plain training, the default."""


@dataclass(frozen=True)
class Spending:
    """The mechanisms of one training; noise is a standard deviation in units of one person's greatest contribution."""

    epsilon: float
    delta: float
    noise_multiplier: float
    """Noise of the sum of a step's clipped gradients, in units of `clip`."""
    sampling_rate: float
    """Probability that a person is in a step."""
    steps: int
    statistics_noise: float
    """Noise of the statistics; 0 without any."""
    threshold_delta: float
    """The part of delta for the threshold of the vocabulary."""
    people: int
    """Of the training part."""

    def parameters(self) -> dict[str, float]:
        """The fields under the names of the run's parameters and of the ledger."""
        return {f"private_{name}": value for name, value in asdict(self).items()}


def spending(
    privacy: Privacy, *, people: int, batch_people: int, epochs: int, statistics: bool = True, threshold: bool = False
) -> Spending:
    """The mechanisms of a training with the least noise that keeps its epsilon.

    Args:
        people: number of people in the training part, which is considered public.
        batch_people: mean number of people per step.
        epochs: in an epoch each person is sampled once on average.
        statistics: whether a table of noised statistics is released too.
        threshold: whether the vocabulary is made of categories whose noised counts pass a threshold.

    Raises:
        ModelError: `dp-accounting` is not installed, or no noise is large enough.
    """
    rate = min(1.0, batch_people / people)
    return _spending(privacy, people, rate, epochs * math.ceil(1 / rate), statistics, threshold)


def epsilon_of(mechanisms: Iterable[Mapping[str, float] | Spending], delta: float) -> float:
    """Upper bound of the joint epsilon of several trainings, for a person who was in all of them; 0 for none.

    Args:
        mechanisms: spendings, or mappings of their fields.
    """
    fields = [one if isinstance(one, Mapping) else asdict(one) for one in mechanisms]
    left = delta - sum(one["threshold_delta"] for one in fields)
    if not fields:
        return 0.0
    if left <= 0:
        return math.inf
    accountant = _fresh()
    for one in fields:
        accountant.compose(_event(**{name: one[name] for name in _MECHANISM}))
    return float(accountant.get_epsilon(left))


_MECHANISM = ("noise_multiplier", "sampling_rate", "steps", "statistics_noise")


@functools.lru_cache
def _spending(privacy: Privacy, people: int, rate: float, steps: int, statistics: bool, threshold: bool) -> Spending:
    dp = _accounting()
    threshold_delta = privacy.delta * THRESHOLD_SHARE if threshold else 0.0
    left = privacy.delta - threshold_delta

    def least(event, epsilon: float) -> float:
        try:
            return dp.calibrate_dp_mechanism(
                _fresh, event, epsilon, left, dp.LowerEndpointAndGuess(1e-3, 1.0), tol=1e-4
            )
        except dp.NoBracketIntervalFoundError as error:
            raise ModelError(
                expected=f"a noise with which {steps} steps keep epsilon {privacy.epsilon} at delta {privacy.delta}",
                received="none",
                remedy="raise epsilon, or lower epochs",
            ) from error

    of_statistics = least(dp.GaussianDpEvent, STATISTICS_SHARE * privacy.epsilon) if statistics else 0.0
    of_steps = least(lambda noise: _event(noise, rate, steps, of_statistics), privacy.epsilon)
    return Spending(privacy.epsilon, privacy.delta, of_steps, rate, steps, of_statistics, threshold_delta, people)


def _event(noise_multiplier: float, sampling_rate: float, steps: int, statistics_noise: float) -> Any:
    dp = _accounting()
    step = dp.PoissonSampledDpEvent(sampling_rate, dp.GaussianDpEvent(noise_multiplier))
    events = [dp.SelfComposedDpEvent(step, int(steps))]
    if statistics_noise:
        events.append(dp.GaussianDpEvent(statistics_noise))
    return dp.ComposedDpEvent(events)


def _fresh() -> Any:
    _accounting()
    from dp_accounting import rdp

    return rdp.RdpAccountant(_ORDERS)


def _accounting() -> Any:
    """The package `dp-accounting`, without its warnings about orders that it skips, which only loosen the bound."""
    try:
        import dp_accounting
        from absl import logging
    except ImportError as error:
        raise ModelError(
            expected="the package dp-accounting, which computes the privacy budget of a training",
            received="no such package",
            remedy="install the extra `train` (requirements/train.txt), or train without `privacy`",
        ) from error
    logging.set_verbosity(logging.ERROR)
    return dp_accounting
