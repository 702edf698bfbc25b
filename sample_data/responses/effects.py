"""What a campaign's messages do to each person of the town: planted, so that it is known what is to be found out.

Who comes often clicks, and would have come anyway: a message is mostly *useless* there, however well it looks. Who
comes seldom can be brought by one (*helpful*). Some of the young are put off by letters: they stay away and leave
(*harmful*). So those who respond most are not those on whom a message is spent best.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sample_data.parameters import DAY_SECONDS, Parameters, moment
from sample_data.people import Person

KINDS = ("helpful", "useless", "harmful")
HELPFUL, USELESS, HARMFUL = range(3)

SELDOM_SESSIONS = 4.0
"""Who has fewer sessions a month comes seldom."""
YOUNG_YEARS = 35

KIND_WEIGHTS = {
    # comes seldom, is young -> helpful, useless, harmful
    (True, False): (0.75, 0.20, 0.05),
    (True, True): (0.45, 0.20, 0.35),
    (False, False): (0.15, 0.80, 0.05),
    (False, True): (0.05, 0.55, 0.40),
}

VISIT_CHANCE = 0.22
"""Of a helpful message whose items fit the person: a visit that would not have been."""
MISFIT_FACTOR = 0.4
"""What is left of it where the first item is of a category that the person has no taste for."""
BUYS_CHANCE = 0.4
"""Of such a visit: the item is bought."""
STAYS_AWAY_CHANCE = 0.5
"""Of a harmful message: a visit of that day that would have been is not."""
CLICKS_CHANCE = 0.8
"""Of a message that is not harmful, to a person who comes on that day anyway: the visit begins with its link."""
LEAVES_CHANCES = (0.001, 0.003, 0.03)
"""By kind: the person unsubscribes."""

RESTED_MESSAGES = 3
"""So many messages within `MEMORY_DAYS` tire nobody."""
MEMORY_DAYS = 7
TIRED_FACTOR = 0.6
"""What is left of a helpful effect after each message more; people leave as much more often, and stay away too."""

VISIT_EUROS = 19.5
"""What a visit brings on average that no message caused: 0.31 purchases of 62 euros, in the default town."""


@dataclass(frozen=True)
class Crowd:
    """What the reaction needs to know of the town's people, one place a person."""

    sessions_a_month: np.ndarray
    weekend_factor: np.ndarray
    age: np.ndarray

    @classmethod
    def of(cls, people: list[Person]) -> Crowd:
        return cls(
            np.array([person.sessions_a_month for person in people]),
            np.array([person.weekend_factor for person in people]),
            np.array([person.age for person in people]),
        )

    def __len__(self) -> int:
        return len(self.age)

    def visit_chance(self, parameters: Parameters, day: int) -> np.ndarray:
        """Chance that each person comes on a day of the town, whatever is sent: (people,)."""
        is_free = moment(parameters.start + day * DAY_SECONDS).weekday() >= 5
        weight = np.where(is_free, self.weekend_factor, 1.0) / ((5 + 2 * self.weekend_factor) / 7)
        return -np.expm1(-self.sessions_a_month / 30 * weight)


def kinds_of(parameters: Parameters, crowd: Crowd, campaign: str) -> np.ndarray:
    """The kind of each person under a campaign, as a place in `KINDS`: (people,)."""
    draw = parameters.generator(f"effects {campaign}").random(len(crowd))
    seldom, young = crowd.sessions_a_month < SELDOM_SESSIONS, crowd.age < YOUNG_YEARS
    kinds = np.zeros(len(crowd), np.int8)
    for (is_seldom, is_young), weights in KIND_WEIGHTS.items():
        those = (seldom == is_seldom) & (young == is_young)
        kinds[those] = np.searchsorted(np.cumsum(weights)[:-1], draw[those], side="right")
    return kinds


@dataclass(frozen=True)
class Expected:
    """What each of some messages changes on the day, in expectation; one place a message."""

    visits: np.ndarray
    purchases: np.ndarray
    """By visits that the message causes; those of visits that it prevents are in `euros` alone."""
    euros: np.ndarray
    leaves: np.ndarray


@dataclass(frozen=True)
class Chances:
    """What each of some messages does, as chances; one place a message."""

    comes: np.ndarray
    """A visit that would not have been."""
    buys: np.ndarray
    """A purchase in such a visit."""
    stays_away: np.ndarray
    """A visit of the day that would have been is not."""
    clicks: np.ndarray
    """A visit of the day that would have been anyway begins with the message."""
    leaves: np.ndarray

    @classmethod
    def of(cls, kind: np.ndarray, fits: np.ndarray, earlier: np.ndarray) -> Chances:
        """Of messages to people of a kind, whose items fit them or not, after so many earlier messages of the week."""
        tired = np.maximum(0, earlier + 1 - RESTED_MESSAGES)
        rest = TIRED_FACTOR**tired
        helpful, harmful = kind == HELPFUL, kind == HARMFUL
        return cls(
            comes=np.where(helpful, VISIT_CHANCE * rest * np.where(fits, 1.0, MISFIT_FACTOR), 0.0),
            buys=np.full(len(kind), BUYS_CHANCE),
            stays_away=np.where(harmful, 1 - (1 - STAYS_AWAY_CHANCE) * rest, 0.0),
            clicks=np.where(harmful, 0.0, CLICKS_CHANCE),
            leaves=np.minimum(0.5, np.take(LEAVES_CHANCES, kind) / rest),
        )

    def expected(self, visit_chance: np.ndarray, price: np.ndarray) -> Expected:
        """The change by each message alone, for people who come anyway with `visit_chance`, and items of `price`."""
        lost = self.stays_away * visit_chance
        bought = self.comes * self.buys
        return Expected(self.comes - lost, bought, bought * price - lost * VISIT_EUROS, self.leaves)
