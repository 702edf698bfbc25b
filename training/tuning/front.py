"""Which of the configurations that were tried is kept: a pure function of what was measured on the validation part.

A configuration is on the front if no other one is as accurate, as broad and as quick, and better in one of them. Of
those on the front, the rule takes

1. the ones within one standard error of the most accurate: what they lack is within chance (the one-standard-error rule
   of Breiman and others, 1984);
2. of these, the ones that show at least `COVERAGE_SHARE` of the items that the most accurate one shows;
3. of these, the most accurate among those whose training takes at most `SECONDS_SHARE` of the quickest one's seconds:
   the clock of a machine that does other things, too, tells no smaller difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

COVERAGE_SHARE = 0.9
SECONDS_SHARE = 1.1

RULE = (
    "Of the configurations on the front: those within one standard error of the most accurate one, that show at least "
    f"{COVERAGE_SHARE:.0%} of the items that it shows; of these the most accurate among those that take at most "
    f"{SECONDS_SHARE - 1:.0%} more seconds than the quickest."
)


@dataclass(frozen=True)
class Candidate:
    """A configuration and what its training showed."""

    name: str
    config: Any
    accuracy: float
    """The validation metric in its best epoch; higher is better."""
    standard_error: float
    """Of `accuracy`, over the units that validate; 0 where the model says none."""
    seconds: float
    """What its epochs took."""
    coverage: float | None = None
    """Share of the items that the lists of the validation people show; None for a model that shows no items."""

    def dominates(self, other: Candidate) -> bool:
        """Whether it is no worse in anything, and better in something."""
        own, theirs = self._goods(), other._goods()
        return own != theirs and all(one >= two for one, two in zip(own, theirs, strict=True))

    def _goods(self) -> tuple[float, ...]:
        return self.accuracy, -self.seconds, self.coverage or 0.0


def front_of(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that no other one dominates, the most accurate first."""
    kept = [one for one in candidates if not any(other.dominates(one) for other in candidates)]
    return sorted(kept, key=lambda one: (-one.accuracy, one.seconds))


def choose(candidates: Sequence[Candidate]) -> Candidate:
    """The configuration that is kept, by the rule above; of equals the first."""
    front = front_of(candidates)
    best = front[0]
    near = [
        one
        for one in front
        if one.accuracy >= best.accuracy - best.standard_error
        and (one.coverage or 0.0) >= COVERAGE_SHARE * (best.coverage or 0.0)
    ]
    quickest = min(one.seconds for one in near)
    return max((one for one in near if one.seconds <= SECONDS_SHARE * quickest), key=lambda one: one.accuracy)
