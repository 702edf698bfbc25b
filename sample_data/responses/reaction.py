"""The town's reaction to the messages of one morning, as a pure function of its seed, the day and the messages.

What people do anyway, and what each would do on a message, is drawn for everybody, whether anything is sent or not. So
two worlds of one seed differ by what was sent alone, and the effect of a message on a person can be seen by comparing
them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sample_data.parameters import Parameters
from sample_data.responses.effects import Chances, Crowd, Expected, kinds_of

NOBODY = -1

DEAD_SHARE, FULL_SHARE = 0.01, 0.02
"""How many people have an address that bounces for good, and how many mailboxes are full on a day."""
MACHINE_SHARE = 0.3
"""How many people have a mail program that opens everything at once."""
READS_CHANCE = 0.3
"""Of a message that reached a person who does not come from it: it is opened."""
COMPLAINS_SHARE = 0.2
"""How many of those who leave do it by a spam report."""


@dataclass(frozen=True)
class Messages:
    """Messages of one morning, in any order; one place a message."""

    person: np.ndarray
    """Number of the person of the town."""
    campaign: np.ndarray
    """Name."""
    price: np.ndarray
    """Euros of the first item."""
    fits: np.ndarray
    """Whether the person has a taste for its category."""

    def __len__(self) -> int:
        return len(self.person)


@dataclass(frozen=True)
class Reaction:
    """What came of the messages, one place a message; and who visits anyway, one place a person."""

    kind: np.ndarray
    """A place in `KINDS`."""
    arrives: np.ndarray
    dead: np.ndarray
    """It bounced for good."""
    full: np.ndarray
    """It was put off, and arrived later."""
    machine_opens: np.ndarray
    opens: np.ndarray
    clicks: np.ndarray
    comes: np.ndarray
    """A visit that would not have been; at most one a person and campaign."""
    buys: np.ndarray
    """In that visit."""
    leaves: np.ndarray
    complains: np.ndarray
    """Leaves by a spam report."""
    expected: Expected
    """What each message was to change, by the planted chances."""
    would_visit: np.ndarray
    """People who would come on the day if nothing were sent: (people,)."""
    kept_away_by: np.ndarray
    """The place of the message that keeps each person away who would have come, `NOBODY` where none does: (people,)."""

    @property
    def visits(self) -> np.ndarray:
        """People who come without being brought by a message: (people,)."""
        return self.would_visit & (self.kept_away_by == NOBODY)


def react(parameters: Parameters, crowd: Crowd, day: int, messages: Messages, earlier: np.ndarray) -> Reaction:
    """What the people of the town do on a day on whose morning `messages` went out.

    Args:
        day: of the town, counted from 0.
        earlier: messages that reached each person in the six days before: (people,).
    """
    count = len(messages)
    chance = crowd.visit_chance(parameters, day)
    would_visit = parameters.generator(f"would visit {day}").random(len(crowd)) < chance
    fixed = parameters.generator("mailboxes").random((2, len(crowd)))
    full = parameters.generator(f"full {day}").random(len(crowd)) < FULL_SHARE
    dead = (fixed[0] < DEAD_SHARE)[messages.person]
    arrives = ~dead
    kind, draws = np.zeros(count, np.int8), np.zeros((6, count))
    for campaign in np.unique(messages.campaign).tolist():
        own = np.flatnonzero(messages.campaign == campaign)
        kind[own] = kinds_of(parameters, crowd, campaign)[messages.person[own]]
        everybody = parameters.generator(f"reaction {day} {campaign}").random((6, len(crowd)))
        draws[:, own] = everybody[:, messages.person[own]]
    chances = Chances.of(kind, messages.fits, earlier[messages.person])
    comes = arrives & (draws[0] < chances.comes)
    stays_away = arrives & would_visit[messages.person] & (draws[2] < chances.stays_away)
    kept_away_by = np.full(len(crowd), NOBODY)
    kept_away_by[messages.person[stays_away][::-1]] = np.flatnonzero(stays_away)[::-1]  # the first of several
    visits = would_visit & (kept_away_by == NOBODY)
    leaves = arrives & (draws[4] < chances.leaves)
    clicks = comes | (arrives & visits[messages.person] & (draws[3] < chances.clicks))
    expected = chances.expected(chance[messages.person], messages.price)
    return Reaction(
        kind=kind,
        arrives=arrives,
        dead=dead,
        full=arrives & full[messages.person],
        machine_opens=arrives & (fixed[1] < MACHINE_SHARE)[messages.person],
        opens=clicks | leaves | (arrives & (draws[5] < READS_CHANCE)),
        clicks=clicks,
        comes=comes,
        buys=comes & (draws[1] < chances.buys),
        leaves=leaves,
        complains=leaves & (draws[5] < COMPLAINS_SHARE),
        expected=_only(expected, arrives),
        would_visit=would_visit,
        kept_away_by=kept_away_by,
    )


def _only(expected: Expected, arrives: np.ndarray) -> Expected:
    """Nothing is expected of a message that does not arrive."""
    return Expected(*(figure * arrives for figure in vars(expected).values()))
