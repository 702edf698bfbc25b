"""What the places of logged lists would have earned, had another model ranked them.

The other policy is the campaign's own with another ranking: with the same chance a place is drawn from what is left of
the same pool, else it is the best of that by the other model, given what really stood in the places before. So both
policies explore alike, and what is compared is the ranking alone. The rows of one person depend on each other, and the
intervals allow for that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from contracts.lake import Lake
from contracts.settings import Settings
from training.metrics.off_policy import Estimate, OffPolicy, off_policy
from training.off_policy.logged_lists import NIGHTS, LoggedLists, read_logged_lists
from training.sequences.sampling import draws, hash_of_ids

if TYPE_CHECKING:
    from training.learner import Data, Learner, Predictor

ESTIMATES = ("ips", "self_normalised", "doubly_robust")

PRIOR_PLACES = 200
"""Weight of the mean in what the model of rewards expects of a rank and place."""

_SALT = np.uint64(0x2C6F9E4B71D3A805)
"""Makes the halves of people, by which no model sees its own row, independent of other draws."""

NO_CAMPAIGN_EXPLORES = (
    f"no campaign explored in the last {NIGHTS} nights: what the lists of another version would have earned is not "
    "known (`explore` in a campaign's file draws some places, so that it can be)"
)


@dataclass(frozen=True)
class WouldHaveEarned:
    """What a model's ranking would have earned, or why that cannot be said."""

    reason: str
    """Why there is no estimate that can be used; empty where there is."""
    found: OffPolicy | None = None
    """None where nothing could be looked at."""
    logged: Estimate | None = None
    """What the places have really earned."""
    lists: int = 0
    nights: int = 0
    campaigns: tuple[str, ...] = ()
    planned_for_shown: bool = True

    @property
    def explored(self) -> bool:
        """Whether any campaign explored."""
        return self.reason != NO_CAMPAIGN_EXPLORES

    @property
    def words(self) -> str:
        """It in a sentence."""
        if self.found is None:
            return self.reason
        on = f"{self.found.rows:,} places of {', '.join(self.campaigns)} in {self.nights} nights"
        if self.reason:
            return f"of {on} nothing can be said: too little overlap, as {self.reason}"
        assumed = "; what was planned is taken for shown" if self.planned_for_shown else ""
        estimates = ", ".join(
            f"{_words(getattr(self.found, name))} by {name.replace('_', ' ')}" for name in ("doubly_robust", "ips")
        )
        return (
            f"ranked by this version, {on} would have earned {estimates} acts a place, and did earn "
            f"{_words(self.logged)}{assumed}"
        )

    @property
    def figures(self) -> dict[str, float]:
        """Numbers by the names that MLflow shows; those of an estimate only where it can be used."""
        if self.found is None:
            return {}
        sizes = {"places": float(self.found.rows), "effective_places": self.found.effective_rows}
        estimates = {} if self.reason else {name: getattr(self.found, name) for name in ESTIMATES}
        ends = {
            f"{name}{end}": value
            for name, one in {"logged": self.logged, **estimates}.items()
            for end, value in (("", one.value), ("_low", one.low), ("_high", one.high))
        }
        return {f"off_policy_{name}": round(value, 6) for name, value in {**sizes, **ends}.items()}

    @property
    def report(self) -> dict[str, object]:
        """What a report says of it."""
        return {"words": self.words, **{name.removeprefix("off_policy_"): one for name, one in self.figures.items()}}


def estimate_of(settings: Settings, learner: Learner, model: Predictor, data: Data, ds: str) -> WouldHaveEarned | None:
    """What a model's lists would have earned on the nights before a day; None for a model that ranks none."""
    judged = learner.people_of_lists(data)
    if judged is None:
        return None
    log = read_logged_lists(Lake(settings.home.lake), ds, *judged)
    scores = learner.rank_lists(model, data, log) if log is not None and len(log) else None
    return would_have_earned(log, scores, smallest_group=settings.smallest_group)


def would_have_earned(log: LoggedLists | None, scores: np.ndarray | None, *, smallest_group: int) -> WouldHaveEarned:
    """The estimates of a model.

    Args:
        log: None where no campaign explores.
        scores: the model's, of each item of the pools; minus infinity for one that it does not know (lists, choices).
        smallest_group: fewest people of whom anything is said.
    """
    if log is None:
        return WouldHaveEarned(NO_CAMPAIGN_EXPLORES)
    people = len(np.unique(log.people))
    if people < smallest_group:
        return WouldHaveEarned(
            f"campaigns explored, but of fewer than {smallest_group} people there are lists whose outcome the model "
            "cannot have learned from"
        )
    places = choose(log, scores)
    if not len(places.earned):
        return WouldHaveEarned("campaigns explored, but none of their places is known to have been shown")
    expected_logged, expected_target = places.expected()
    found = off_policy(
        places.earned,
        places.logged,
        places.target_of_shown,
        expected_logged=expected_logged,
        expected_target=expected_target,
        groups=places.person,
    )
    logged = off_policy(places.earned, places.logged, places.logged, groups=places.person).ips
    return WouldHaveEarned(
        found.too_little,
        found,
        logged,
        lists=len(log),
        nights=len(np.unique(log.nights)),
        campaigns=tuple(np.unique(log.campaigns).tolist()),
        planned_for_shown=log.planned_for_shown,
    )


@dataclass(frozen=True)
class Places:
    """The places of logged lists that count, one after the other."""

    person: np.ndarray
    """A number for each person (rows,)."""
    half: np.ndarray
    """0 or 1, by the person (rows,)."""
    place: np.ndarray
    """On the list, from 0 (rows,)."""
    rank: np.ndarray
    """Of what was shown, in the pool, from 0 (rows,)."""
    earned: np.ndarray
    logged: np.ndarray
    """Chance of what was shown (rows,)."""
    target: np.ndarray
    """Chance of each item of the pool under the other ranking (rows, choices)."""
    target_of_shown: np.ndarray = field(repr=False)

    def expected(self) -> tuple[np.ndarray, np.ndarray]:
        """What a model that has not seen the person expects of what was shown, and of the other ranking (rows,).

        The model is the share of acts by rank in the pool and place, drawn towards the mean of all, of the other half
        of the people.
        """
        choices, places = self.target.shape[1], int(self.place.max()) + 1
        cell = self.place * choices + self.rank
        models = np.empty((2, places, choices))
        for which in (0, 1):
            seen = self.half != which
            mean = self.earned[seen].mean() if seen.any() else 0.0
            shown = np.bincount(cell[seen], minlength=places * choices)
            acted = np.bincount(cell[seen], self.earned[seen], minlength=places * choices)
            models[which] = ((acted + PRIOR_PLACES * mean) / (shown + PRIOR_PLACES)).reshape(places, choices)
        expected = models[self.half, self.place]  # (rows, choices)
        return expected[np.arange(len(cell)), self.rank], (expected * self.target).sum(1)


def choose(log: LoggedLists, scores: np.ndarray) -> Places:
    """The places that count, with the chances under another ranking.

    Args:
        scores: of the items of the pools; minus infinity for unknown ones. Of equal ones the first stands higher
            (lists, choices).
    """
    left = log.pool != None  # noqa: E711
    _, person = np.unique(log.people, return_inverse=True)
    half = (draws(hash_of_ids(log.people) ^ _SALT) < 0.5).astype(int)
    rows: list[tuple[np.ndarray, ...]] = []
    for place in range(log.shown.shape[1]):
        lists = np.flatnonzero(log.shown[:, place] >= 0)
        rank, chance, now = log.shown[lists, place], log.propensities[lists, place], left[lists]
        target = np.where(now, _drawn_share(now, rank, chance)[:, None], 0.0)
        best = np.where(now, np.nan_to_num(scores[lists], nan=-np.inf), -np.inf)
        best = np.where(np.isfinite(best).any(1), best.argmax(1), now.argmax(1))
        target[np.arange(len(lists)), best] += 1.0 - target.sum(1)
        counts = log.counts[lists, place]
        of_shown = target[np.arange(len(lists)), rank]
        columns = (person[lists], half[lists], np.full(len(lists), place), rank, log.earned[lists, place], chance)
        rows.append(tuple(column[counts] for column in (*columns, target, of_shown)))
        left[lists, rank] = False
    return Places(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def _drawn_share(left: np.ndarray, rank: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """The chance with which each of the items that are left is drawn, by what the log says of the one shown (lists,).

    With m left, the share is m times the chance of another than the best, or (1 - chance) / (1 - 1 / m) of the best.
    """
    many = left.sum(1)
    is_best = left.argmax(1) == rank
    of_best = (1.0 - chance) / np.maximum(many - 1, 1)
    return np.where(many == 1, 1.0, np.where(is_best, of_best, chance))


def _words(one: Estimate) -> str:
    return f"{one.value:.4f} ({one.low:.4f} to {one.high:.4f})"
