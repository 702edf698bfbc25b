"""How well a ranking of people by what sending changes does, measured on people who were sent to or not by lot.

Nobody is both sent to and not, so no person's effect is ever seen; arms that were drawn by lot show it of groups.

- The **Qini curve** (Radcliffe, "Using control groups to target on predicted lift", 2007): for the best k people by
  score, the outcomes of the treated among them less those of the controls among them, these scaled to as many people:
  Q(k) = Y_t(k) - Y_c(k) N_t(k) / N_c(k); here divided by all treated, so that it ends at the mean effect. The **Qini
  coefficient** is the area between the curve and the straight line to its end, which is what a random order gives.
- For the gate, which compares unit by unit, `qini_contributions` is the same area with known chances of treatment in
  the place of counted ones: a number a row, whose mean is the coefficient.
- `policy_contributions`: what sending to some earns against sending to nobody, less what it costs, a number a row
  (inverse propensity weights, Horvitz and Thompson, 1952).

Equal scores are in no order: the curve is a straight line over them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class QiniCurve:
    """Points of the curve, from the origin."""

    shares: np.ndarray
    """Of the people, best first, 0 to 1 (points,)."""
    gains: np.ndarray
    """Outcomes a treated person that sending to them adds (points,)."""

    @property
    def coefficient(self) -> float:
        """Area between the curve and the straight line to its end; 0 for a random order."""
        return float(np.trapezoid(self.gains, self.shares) - self.gains[-1] / 2)


class Ranking:
    """People in the order of their scores, of which a Qini curve is drawn for any weights of them."""

    def __init__(self, scores: np.ndarray, outcomes: np.ndarray, treated: np.ndarray) -> None:
        """Sort once.

        Args:
            scores: higher is sent to first (people,).
            outcomes: what each person did, a number (people,).
            treated: True for those in the arm that is sent to, False for the controls (people,).
        """
        self._order = np.argsort(-scores, kind="stable")
        descending = scores[self._order]
        self._ends = np.flatnonzero(np.append(descending[1:] != descending[:-1], True))
        arm, outcome = treated[self._order].astype(float), outcomes[self._order].astype(float)
        self._columns = np.stack([arm, 1 - arm, arm * outcome, (1 - arm) * outcome])  # (4, people)

    def curve(self, weights: np.ndarray | None = None) -> QiniCurve:
        """The curve; with weights, as if each person were there so many times (people,)."""
        columns = self._columns if weights is None else self._columns * weights[self._order]
        treated, controls, of_treated, of_controls = np.cumsum(columns, axis=1)[:, self._ends]
        scaled = of_controls * np.divide(treated, controls, out=np.zeros_like(treated), where=controls > 0)
        gains = (of_treated - scaled) / max(treated[-1], 1e-12)
        people = treated + controls
        start = np.zeros(1)
        return QiniCurve(np.concatenate([start, people / max(people[-1], 1e-12)]), np.concatenate([start, gains]))


def qini_curve(scores: np.ndarray, outcomes: np.ndarray, treated: np.ndarray) -> QiniCurve:
    """The Qini curve of one order of people; arguments as in `Ranking`."""
    return Ranking(scores, outcomes, treated).curve()


def effects(
    outcomes: np.ndarray, treated: np.ndarray, propensity: np.ndarray, expected: np.ndarray | float = 0.0
) -> np.ndarray:
    """A number a row whose mean over any group is the mean effect in it, without bias (rows,).

    Outcome less what was expected, divided by the chance of the row's own arm, negative for controls.

    Args:
        outcomes: (rows,).
        treated: True for rows that were sent to (rows,).
        propensity: the chance of that by the lot, between 0 and 1 (rows,).
        expected: any guess of the outcome that does not know the row's arm; the better, the less noise.
    """
    arm = np.where(treated, 1.0 / propensity, -1.0 / (1.0 - propensity))
    return (outcomes - expected) * arm


def qini_contributions(scores: np.ndarray, effect: np.ndarray) -> np.ndarray:
    """What each row adds to the Qini coefficient, which is their mean (rows,).

    A row counts by how far above the middle of the order it is, with its effect.

    Args:
        scores: (rows,).
        effect: as `effects` gives it (rows,).
    """
    ascending = np.sort(scores)
    below, up_to = (np.searchsorted(ascending, scores, side=side) for side in ("left", "right"))
    return effect * ((below + up_to) / 2 / len(scores) - 0.5)


def policy_contributions(send: np.ndarray, effect: np.ndarray, cost: float = 0.0) -> np.ndarray:
    """What each row adds to what a policy earns against sending to nobody, which is their mean (rows,).

    Args:
        send: 1 for rows that the policy sends to, 0 for others, or the chance that it does (rows,).
        effect: of euros, as `effects` gives it (rows,).
        cost: euros of a message.
    """
    return np.asarray(send, float) * (effect - cost)


def over_random(send: np.ndarray, effect: np.ndarray) -> np.ndarray:
    """What each row adds to what a policy earns against sending as many messages to people at random (rows,)."""
    send = np.asarray(send, float)
    return (send - send.mean()) * effect


def mean_interval(values: np.ndarray, *, resamples: int = 1000, seed: int = 7) -> tuple[float, float]:
    """Percentile interval of 95 % of a mean, resampling units, people for example (Efron, 1979).

    Args:
        values: (units,).
    """
    random = np.random.default_rng(seed)
    means = [values[random.integers(0, len(values), len(values))].mean() for _ in range(resamples)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
