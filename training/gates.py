"""The gate between challenger and champion: a pure function of numbers measured on the same held-out people."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class GateConfig:
    """What a challenger has to show."""

    tolerance: float = 0.02
    """NDCG@10 that the challenger may lose against the champion at the lower end of the interval of the difference; a
    challenger whose whole interval is below 0 is refused however small its loss, so that losses cannot add up."""
    confidence: float = 0.95
    """Confidence of that interval."""
    resamples: int = 2000
    """Bootstrap samples of the held-out people."""
    score_tolerance: float = 1e-5
    """Most that a score of the loaded artefact may differ from the score of the model just trained."""
    seed: int = 7


@dataclass(frozen=True)
class Decision:
    """What the gate says, why, and on which numbers."""

    promoted: bool
    reasons: list[str]
    numbers: dict[str, float] = field(default_factory=dict)


def decide(
    gate: GateConfig,
    *,
    challenger: np.ndarray,
    champion: np.ndarray | None,
    popularity: np.ndarray,
    score_difference: float,
) -> Decision:
    """Let a challenger pass only if it meets all rules; a refusal states both numbers of every rule that it broke.

    Args:
        challenger: NDCG@10 of each held-out person (people,).
        champion: the same people under the champion, or None where there is none yet.
        popularity: the same people under the popularity ranking.
        score_difference: largest difference of a score between the model just trained and its loaded artefact.
    """
    own = float(challenger.mean())
    numbers = {"challenger": own, "popularity": float(popularity.mean()), "score_difference": score_difference}
    passed, refused = [], []

    low, high = bootstrap_interval(challenger - popularity, gate)
    versus = f"NDCG@10 {own:.4f} against {popularity.mean():.4f} of popularity on {len(challenger):,} people"
    numbers |= {"over_popularity_low": low, "over_popularity_high": high}
    if low > 0:
        passed.append(f"{versus}: the difference is {low:+.4f} to {high:+.4f}, above 0")
    else:
        refused.append(f"{versus}: the difference is {low:+.4f} to {high:+.4f}, and must be above 0")

    if champion is None:
        passed.append("there is no champion yet")
    else:
        low, high = bootstrap_interval(challenger - champion, gate)
        versus = f"NDCG@10 {own:.4f} against {champion.mean():.4f} of the champion on {len(challenger):,} people"
        numbers |= {"champion": float(champion.mean()), "over_champion_low": low, "over_champion_high": high}
        difference = f"{versus}: the difference is {low:+.4f} to {high:+.4f}"
        if high < 0:
            refused.append(f"{difference}, all of it below 0")
        elif low < -gate.tolerance:
            refused.append(f"{difference}, and must not be below {-gate.tolerance:+.4f}")
        else:
            passed.append(f"{difference}, not below {-gate.tolerance:+.4f}")

    if score_difference <= gate.score_tolerance:
        passed.append(f"the loaded artefact scores the same: {score_difference:.1e} within {gate.score_tolerance:.1e}")
    else:
        refused.append(
            f"the loaded artefact scores differently from the trained model: by {score_difference:.1e}, "
            f"and at most {gate.score_tolerance:.1e} is allowed"
        )
    return Decision(not refused, refused or passed, {name: round(value, 8) for name, value in numbers.items()})


def bootstrap_interval(differences: np.ndarray, gate: GateConfig) -> tuple[float, float]:
    """Percentile interval of the mean of paired differences (people,), resampling people (Efron, 1979)."""
    random = np.random.default_rng(gate.seed)
    people = len(differences)
    means = [differences[random.integers(0, people, people)].mean() for _ in range(gate.resamples)]
    tail = (1 - gate.confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)
