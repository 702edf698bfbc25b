"""What all campaigns of a night ask for, person by person, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from activation.audiences.campaigns import Campaign
from activation.audiences.night import Night
from activation.audiences.selection import CHOSEN, HELD_OUT, Audience
from activation.experiments.experiment import Experiment
from activation.planning.decision import Decision, decide
from activation.planning.policy import Policy
from activation.planning.publishing import Candidates
from activation.planning.rules import People, regions_of, rules_of_channel, suppressed_people
from contracts.errors import LakeError
from contracts.settings import Settings

Seen = Callable[[Campaign, Audience], None]


def gather(night: Night, policy: Policy, staging: Path, seen: Seen | None = None) -> tuple[list[Candidates], People]:
    """The messages that every campaign asks for, and the people of the night.

    Args:
        staging: where the messages are kept until it is decided on them.
        seen: is called with each campaign and whom it selects, batch by batch.

    Raises:
        LakeError: a person stands twice among them.
    """
    candidates = [
        Candidates(campaign, policy, staging / f"candidates-{name}.parquet")
        for name, campaign in night.understood.items()
    ]
    ids, regions, days = [], [], []
    for batch in night.batches():
        if twice := int(batch.people["person_id"].duplicated().sum()):
            raise LakeError(
                expected=f"each person once in the marts and predictions of {night.ds}",
                received=f"{twice:,} of {len(batch.people):,} twice",
                remedy="build the marts of that day again, and score it; nothing was planned",
            )
        for one in candidates:
            audience = batch.audience(one.campaign, night.items, night.showcases[one.campaign.name], night.policy)
            one.add(audience, batch.responses, batch.uplifts)
            if seen is not None:
                seen(one.campaign, audience)
        ids.append(pa.array(batch.people["person_id"], pa.string()))
        regions.append(regions_of(batch.people["region"]))
        days.append(batch.people["recency_days"].to_numpy("float64", na_value=np.nan))
    for one in candidates:
        one.close()
    return candidates, People(pa.concat_arrays(ids), np.concatenate(regions), np.concatenate(days))


def could_be_written_to(candidates: list[Candidates], people: People) -> list[tuple[Experiment, pa.Array]]:
    """Of each campaign with an experiment, the ids of those whom it selects, held out or not."""
    found = []
    for one in candidates:
        if one.campaign.experiment is not None:
            selected = np.isin(one.outcomes(), (CHOSEN, HELD_OUT))
            found.append((one.campaign.experiment, people.ids.filter(pa.array(selected))))
    return found


def decide_on(
    settings: Settings, night: Night, policy: Policy, candidates: list[Candidates], people: People
) -> Decision:
    """What becomes of everybody in every campaign that can be understood."""
    if not candidates:
        return Decision(np.zeros((0, len(people)), np.int8))
    suppressed = suppressed_people(settings, night.lake, night.ds, people, policy)
    campaigns = [one.campaign for one in candidates]
    rules = {
        channel: rules_of_channel(night.lake, night.ds, people, policy, channel, suppressed)
        for channel in {campaign.channel for campaign in campaigns}
    }
    return decide(
        campaigns,
        policy,
        np.stack([one.outcomes() for one in candidates]),
        np.stack([one.expected() for one in candidates]),
        rules,
        settings.smallest_group,
    )
