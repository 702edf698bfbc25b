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
    """No plan that lets higher priorities choose first brings more."""

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
    channels = {}
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
        euros = bound = 0.0
        priorities = np.array([policy.of_campaign(campaigns[place].name).priority for place in mine])
        for priority in np.unique(priorities)[::-1]:
            tier = np.flatnonzero(priorities == priority)
            costs = np.array([policy.cost_euros(campaigns[place]) for place in mine[tier]])
            most = np.array([policy.most_messages(campaigns[place]) for place in mine[tier]])
            brings = expected[mine[tier]] - costs[:, None]
            worth = np.where(np.isnan(brings), 0.0, brings)
            asked = own[tier] == CHOSEN
            capacity = np.minimum(most, asked.shape[1]).astype(np.int64)
            plan = arbitrate(np.where(asked & (worth >= 0), worth, np.nan), capacity, room)
            room = room - plan.offered.sum(0)
            missed = asked & ~plan.offered
            outbid = ((room <= 0) | (worth < 0)) & (capacity > 0)[:, None]
            own[tier] = np.where(missed, np.where(outbid, _OUTBID, _OVER_BUDGET), own[tier])
            euros, bound = euros + plan.value, bound + plan.bound
        decided[mine] = own
        channels[channel] = ChannelResult(euros, bound)
    planned = (decided == PLANNED).sum(1)
    for place in np.flatnonzero((planned > 0) & (planned < smallest_group)):
        decided[place, decided[place] == PLANNED] = _SMALL_GROUP
    return Decision(decided, channels)
