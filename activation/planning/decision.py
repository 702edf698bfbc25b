"""Who gets what, of all that campaigns ask for: the policy's rules one after the other, then arbitration.

Campaigns of one channel compete; those of the highest priority choose first, and among equal ones
`arbitration.py` chooses. A message of which no model says what it brings counts as bringing what it costs: it is sent
where nothing better wants the person. One that is expected to bring less than it costs is not sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from activation.audiences.campaigns import Campaign
from activation.audiences.selection import CHOSEN
from activation.planning.arbitration import arbitrate
from activation.planning.policy import Policy
from activation.planning.rules import Rules
from contracts.tables.activation import OUTCOMES

PLANNED = OUTCOMES.index("planned")
_SUPPRESSED, _QUIET, _CAPPED, _OUTBID, _OVER_BUDGET, _SMALL_GROUP = map(
    OUTCOMES.index, ("suppressed", "quiet", "capped", "outbid", "over_budget", "small_group")
)


@dataclass(frozen=True)
class ChannelResult:
    """What arbitration chose on one channel, in euros less cost."""

    euros: float = 0.0
    bound: float = 0.0
    """No plan that lets higher priorities choose first brings more, before too small groups are withheld."""

    @property
    def gap(self) -> float:
        """At most this share of the optimum is missing, 0 to 1."""
        return max(self.bound - self.euros, 0.0) / self.bound if self.bound > 0 else 0.0


@dataclass(frozen=True)
class Decision:
    """What becomes of everybody in every campaign."""

    outcomes: np.ndarray
    """Places in `OUTCOMES` (campaigns, people)."""
    channels: Mapping[str, ChannelResult] = field(default_factory=dict)


def decide(
    campaigns: Sequence[Campaign],
    policy: Policy,
    outcomes: np.ndarray,
    expected: np.ndarray,
    rules: Mapping[str, Rules],
    smallest_group: int,
) -> Decision:
    """Decide on everybody whom campaigns selected.

    Args:
        outcomes: what selection says, `CHOSEN` or why not (campaigns, people).
        expected: euros expected from a message; not a number where no model says (campaigns, people).
        rules: by channel.
        smallest_group: a campaign that would write to fewer people writes to none.
    """
    decided = outcomes.copy()
    worth = _worth(campaigns, policy, expected)
    bounds = {}
    for channel in sorted({campaign.channel for campaign in campaigns}):
        mine = np.array([place for place, campaign in enumerate(campaigns) if campaign.channel == channel])
        own = decided[mine]
        for refused, code in (
            (rules[channel].suppressed, _SUPPRESSED),
            (rules[channel].quiet, _QUIET),
            (rules[channel].left <= 0, _CAPPED),
        ):
            own[(own == CHOSEN) & refused] = code
        room = np.minimum(rules[channel].left, 1 if policy.of_channel(channel).one_message else len(mine))
        bounds[channel] = 0.0
        priorities = np.array([policy.of_campaign(campaigns[place].name).priority for place in mine])
        for priority in np.unique(priorities)[::-1]:
            tier = np.flatnonzero(priorities == priority)
            most = np.array([policy.most_messages(campaigns[place]) for place in mine[tier]])
            brings = worth[mine[tier]]
            asked = own[tier] == CHOSEN
            capacity = np.minimum(most, asked.shape[1]).astype(np.int64)
            plan = arbitrate(np.where(asked & (brings >= 0), brings, np.nan), capacity, room)
            room = room - plan.offered.sum(0)
            missed = asked & ~plan.offered
            outbid = ((room <= 0) | (brings < 0)) & (capacity > 0)[:, None]
            own[tier] = np.where(missed, np.where(outbid, _OUTBID, _OVER_BUDGET), own[tier])
            bounds[channel] += plan.bound
        decided[mine] = own
    planned = (decided == PLANNED).sum(1)
    for place in np.flatnonzero((planned > 0) & (planned < smallest_group)):
        decided[place, decided[place] == PLANNED] = _SMALL_GROUP
    euros = [float(row[is_planned].sum()) for row, is_planned in zip(worth, decided == PLANNED, strict=True)]
    return Decision(
        decided,
        {
            channel: ChannelResult(
                sum(own for own, campaign in zip(euros, campaigns, strict=True) if campaign.channel == channel), bound
            )
            for channel, bound in bounds.items()
        },
    )


def _worth(campaigns: Sequence[Campaign], policy: Policy, expected: np.ndarray) -> np.ndarray:
    """Euros less cost of every message; 0 where no model says what it brings (campaigns, people)."""
    costs = np.array([policy.cost_euros(campaign) for campaign in campaigns])
    return np.nan_to_num(expected - costs[:, None], nan=0.0)
