"""A campaign as tonight's plan would have it, decided on beside all others by the same code, and published nowhere.

Of many people some are looked at, by lot: person ids follow from a hash, so that those with the smallest are drawn from
all. Figures are then of everybody, by the share that was looked at.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from activation.audiences.campaigns import Campaign
from activation.audiences.night import Night
from activation.audiences.selection import CHOSEN, Audience
from activation.planning.decision import PLANNED
from activation.planning.gathering import decide_on, gather
from activation.planning.publishing import books_of
from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.settings import Settings
from contracts.small_groups import fold_small
from contracts.tables.activation import OUTCOMES
from contracts.tables.marts import CONSENT
from lake_tables.arrow import read_mart

EXAMPLES = 10
_ROWS_FOR_EXAMPLES = 50_000


@dataclass(frozen=True)
class Overlap:
    """How much another campaign has to do with this one, in people who were looked at."""

    wanted_by_both: int
    planned_by_both: int


@dataclass(frozen=True)
class Preview:
    """What was found, in people who were looked at."""

    campaign: Campaign
    ds: str
    share: float
    """Of all people, who were looked at."""
    books: Mapping[str, int]
    """`considered`, and the people of each outcome."""
    arms: Mapping[str, int]
    """Of those who get it; none without an experiment."""
    clicks: float | None
    """Expected of those who get it; None where no model says it."""
    euros: float | None
    """Expected of those who get it; None where no model says it."""
    cost: float
    overlaps: Mapping[str, Overlap]
    """By the other campaigns' names."""
    failed: Mapping[str, str]
    """Other campaigns that could not be compared with, and why."""
    examples: list[dict[str, str]] = field(repr=False)
    """Some who get it, in the order of their ids, without them: columns of an audience."""


def preview(settings: Settings, file: Path, ds: str | None, most_people: int | None) -> Preview:
    """Decide on a campaign that may not be among the others yet.

    Args:
        ds: a day that was scored; None for the newest.
        most_people: so many are looked at; None for all.

    Raises:
        SettingsError: the campaign or the policy cannot be understood, or the policy refuses the campaign.
        LakeError: that day was not scored, or its marts are missing.
        BusyError: an erasure or a rotation of keys is at work.
    """
    lake = Lake(settings.home.lake)
    with lake.among_others():
        night, name = Night.draft(settings, lake, ds or _newest_scored(lake), file, most_people)
        share = len(night.consents) / max(_people(lake, night.ds), 1)
        policy = night.policy if share == 1 else night.policy.for_share(share)
        smallest = max(1, math.ceil(settings.smallest_group * share))
        staging = lake.staging(f"preview-{os.getpid()}")
        try:
            watch = _Watch(name)
            candidates, people = gather(night, policy, staging, watch)
            decision = decide_on(replace(settings, smallest_group=smallest), night, policy, candidates, people)
            place = [one.campaign.name for one in candidates].index(name)
            own, decided = candidates[place], decision.outcomes[place]
            worth = own.planned(decided, staging / "planned.parquet")
        finally:
            shutil.rmtree(staging.parent, ignore_errors=True)
    selected = own.outcomes() == CHOSEN
    is_planned = (decided == PLANNED)[selected]
    return Preview(
        own.campaign,
        night.ds,
        share,
        books_of(name, decided, len(people)),
        watch.arms(is_planned),
        watch.clicks(is_planned),
        worth["expected_value"],
        worth["cost"],
        {
            one.campaign.name: Overlap(
                int((selected & (one.outcomes() == CHOSEN)).sum()),
                int(((decided == PLANNED) & (of_other == PLANNED)).sum()),
            )
            for one, of_other in zip(candidates, decision.outcomes, strict=True)
            if one is not own
        },
        {other: str(error) for other, error in night.failed.items()},
        watch.examples(is_planned),
    )


def _newest_scored(lake: Lake) -> str:
    days = lake.days("scores")
    if not days:
        raise LakeError(
            expected="a day that was scored", received="none", remedy="run `make nightly`, or `python -m serving.score`"
        )
    return days[-1]


def _people(lake: Lake, ds: str) -> int:
    return read_mart(lake, CONSENT.name, ds, ["person_id"]).num_rows


class _Watch:
    """What is asked of the people whom the campaign selects, while they come batch by batch."""

    def __init__(self, campaign: str) -> None:
        self.campaign = campaign
        self._rows: list[pd.DataFrame] = []
        self._kept = 0
        self._chances: list[np.ndarray] = []
        self._arms: list[pd.Series] = []

    def __call__(self, campaign: Campaign, audience: Audience) -> None:
        if campaign.name != self.campaign:
            return
        rows = audience.rows
        if self._kept < _ROWS_FOR_EXAMPLES:
            self._rows.append(rows)
            self._kept += len(rows)
        if "click_chance" in rows:
            self._chances.append(rows["click_chance"].to_numpy("float64", na_value=np.nan))
        if "arm" in rows:
            self._arms.append(rows["arm"])

    def clicks(self, is_planned: np.ndarray) -> float | None:
        chances = np.concatenate(self._chances)[is_planned] if self._chances else np.array([])
        return float(np.nansum(chances)) if np.isfinite(chances).any() else None

    def arms(self, is_planned: np.ndarray) -> dict[str, int]:
        if not self._arms:
            return {}
        return pd.concat(self._arms)[is_planned].value_counts().sort_index().to_dict()

    def examples(self, is_planned: np.ndarray) -> list[dict[str, str]]:
        """Of those who were kept, from the first to the last."""
        if not self._rows:
            return []
        rows = pd.concat(self._rows)
        rows = rows[is_planned[: len(rows)]].drop(columns="person_id")
        places = np.unique(np.linspace(0, len(rows) - 1, min(EXAMPLES, len(rows))).astype(int)) if len(rows) else []
        return [row.dropna().to_dict() for _, row in rows.iloc[places].iterrows()]


def reasons(books: Mapping[str, int], smallest: int) -> tuple[dict[str, int], int]:
    """Outcome -> people of those who do not get it, and the people of all outcomes that are too few to be told apart.

    The latter are nobody, or at least as many as `smallest`, so that nobody finds out by subtracting; where there are
    not so many at all, they are given as they are, and are to be called fewer than that.
    """
    folded = fold_small({name: books[name] for name in OUTCOMES if name != "planned"}, smallest)
    return folded.shown, folded.others
