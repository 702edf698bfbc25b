"""Who is in an audience, and with which items: pure functions of frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from activation.audiences.campaigns import Campaign
from activation.audiences.exploration import MOST_CHOICES, Explored, Lot, draw_places
from activation.experiments.experiment import GLOBAL, HOLDOUT
from contracts.errors import LakeError
from contracts.tables.marts import CONSENT, PROFILE
from contracts.tables.served import PREDICTIONS
from lake_tables.shown.showcase import Showcase

_NO_CONDITION = ("first_seen", "last_seen", "taste_vector", "picture_interests", "sound_interests", "text_vector")
_NO_CONDITION += ("text_interests", "inputs", "passed_over")
_OF_CONSENT = [column.name for column in CONSENT.columns if column.name != "person_id"]
PROFILE_COLUMNS = [column.name for column in PROFILE.columns if column.name not in (*_NO_CONDITION, *_OF_CONSENT)]
PREDICTION_COLUMNS = [column.name for column in PREDICTIONS.columns if column.name not in _NO_CONDITION]


CHOSEN, NO_CONSENT, OUTSIDE, FAILED, NO_RECOMMENDATION, HELD_OUT = range(6)
"""What becomes of a person, by the first of these that holds but the first, which is when none does."""


@dataclass(frozen=True)
class Audience:
    """The audience among some people, and the account of each of them."""

    rows: pd.DataFrame
    """One row a person, by person id: person_id, then for each place item_<n>, item_<n>_title, item_<n>_why; where the
    campaign names what it sends, also click_chance and why; where it has an experiment, the arm."""
    outcomes: np.ndarray
    """`CHOSEN` or why not, of each of the people in their order (people,)."""
    offered: pd.DataFrame
    """What the places could be filled with, one row an item: person_id, item_id, title, reason."""
    explored: Explored | None = None
    """How the places were filled, row by row, where the campaign explores."""
    has_experiment: bool = False
    """Whether a lot holds people out: its own, or that of the global holdout."""
    not_planned: int = 0
    """People who would be in it by all of this, and are not in the night's plan."""

    @property
    def scored(self) -> int:
        return len(self.outcomes)

    @property
    def suppressed(self) -> dict[str, int]:
        """Reason -> people, each person under the first reason that holds, in this order."""
        reasons = {"no_consent": NO_CONSENT, "outside_audience": OUTSIDE, "no_recommendation": NO_RECOMMENDATION}
        if self.has_experiment:
            reasons["held_out"] = HELD_OUT
        found = {reason: int((self.outcomes == code).sum()) for reason, code in reasons.items()}
        return found | {"not_planned": self.not_planned} if self.not_planned else found

    @property
    def failed(self) -> int:
        return int((self.outcomes == FAILED).sum())

    def as_planned(self, planned: pd.DataFrame, item_count: int) -> Audience:
        """Those of it who are in the night's plan, each with the items that are planned.

        Args:
            planned: person_id, items.

        Raises:
            LakeError: an item is planned that the campaign would not carry for the person now.
        """
        rows = self.rows[self.rows["person_id"].isin(planned["person_id"])]
        planned = planned[planned["person_id"].isin(rows["person_id"])]
        shown = planned.rename(columns={"items": "item_id"}).explode("item_id")
        shown = shown.assign(place=shown.groupby("person_id").cumcount() + 1)
        shown = shown.merge(self.offered, how="left", on=["person_id", "item_id"], indicator="known")
        if lost := int((shown["known"] == "left_only").sum()):
            raise LakeError(
                expected="a plan that was made of the scores as they are now",
                received=f"one of which {lost:,} of {len(shown):,} items cannot be carried now",
                remedy="plan that night again: people were scored since, or items ended",
            )
        rest = rows.drop(columns=[name for name in rows if name.startswith("item_")])
        kept = one_row_a_person(shown, item_count).merge(rest, how="left", on="person_id")
        return replace(self, rows=kept, explored=None, not_planned=len(self.rows) - len(kept))


def with_chances(profiles: pd.DataFrame, responses: pd.DataFrame, campaign: Campaign) -> pd.DataFrame:
    """Profiles with the chances that belong to what the campaign sends, empty where the model gave none.

    Args:
        responses: person_id, campaign, click_chance, purchase_chance, reasons, and expected_value where it is known.
    """
    if campaign.sends is None:
        return profiles
    own = responses[responses["campaign"] == campaign.sends]
    own = own.drop(columns=["campaign", "expected_value"], errors="ignore")
    return profiles.merge(own, how="left", on="person_id")


def with_changes(profiles: pd.DataFrame, uplifts: pd.DataFrame, campaign: Campaign) -> pd.DataFrame:
    """Profiles with what sending the campaign changes, empty where no model says it; only where it has an experiment.

    Args:
        uplifts: person_id, campaign and `CHANGES`.
    """
    if campaign.experiment is None:
        return profiles
    own = uplifts.loc[uplifts["campaign"] == campaign.name].drop(columns="campaign")
    return profiles.merge(own, how="left", on="person_id", validate="many_to_one")


def with_arms(profiles: pd.DataFrame, assignments: pd.DataFrame, campaign: Campaign) -> pd.DataFrame:
    """Profiles with the arm of each person in the campaign's experiment, where it has one.

    Args:
        assignments: person_id, experiment, arm; everybody's in every experiment.
    """
    if campaign.experiment is None:
        return profiles
    own = assignments.loc[assignments["experiment"] == campaign.name, ["person_id", "arm"]]
    return profiles.merge(own, how="left", on="person_id", validate="many_to_one")


def held_out_of_all(assignments: pd.DataFrame) -> pd.Series:
    """Ids of those whom the global holdout holds back.

    Args:
        assignments: person_id, experiment, arm; everybody's in every experiment.
    """
    return assignments.loc[(assignments["experiment"] == GLOBAL) & (assignments["arm"] == HOLDOUT), "person_id"]


def select_audience(
    campaign: Campaign,
    profiles: pd.DataFrame,
    scores: pd.DataFrame,
    items: pd.DataFrame,
    showcase: Showcase,
    lot: Lot | None = None,
    held_back: pd.Series | None = None,
) -> Audience:
    """The audience of a campaign.

    Args:
        profiles: one row a person: consents, `PROFILE_COLUMNS`, `PREDICTION_COLUMNS`, `with_chances`, `with_arms`;
            the columns of a profile are empty for a person who has none.
        scores: one row a person and rank: person_id, rank, item_id, reason.
        items: item_id, title, one row a place of the showcase's catalogue.
        showcase: what may stand in the campaign's lists.
        lot: of the night, by which a campaign that explores fills its places; without it they hold the best items.
        held_back: whether the global holdout holds each person back, where there is one for the campaign.
    """
    consenting = profiles["consent_personalisation"] & profiles[f"consent_{campaign.purpose}"]
    if campaign.reads_profiles:
        consenting &= profiles["consent_profiling"]
    inside = matches(campaign, profiles)
    asked_for = profiles.loc[consenting & inside, "person_id"]
    offered = offers(campaign, scores[scores["person_id"].isin(asked_for)], items, showcase)
    usable = profiles["person_id"].isin(scores["person_id"])
    recommended = profiles["person_id"].isin(offered["person_id"])
    held_out = profiles["arm"] == HOLDOUT if campaign.experiment else pd.Series(False, index=profiles.index)
    if held_back is not None:
        held_out |= held_back
    outcomes = np.select(
        [mask.to_numpy(bool) for mask in (~consenting, ~inside, ~usable, ~recommended, held_out)],
        [NO_CONSENT, OUTSIDE, FAILED, NO_RECOMMENDATION, HELD_OUT],
        CHOSEN,
    ).astype(np.int8)
    offered = offered[offered["person_id"].isin(profiles.loc[outcomes == CHOSEN, "person_id"])]
    shown, explored = offered[offered["place"] <= campaign.item_count], None
    if campaign.explore_share is not None and lot is not None:
        shown, explored = draw_places(lot, campaign.name, campaign.explore_share, campaign.item_count, offered)
    rows = one_row_a_person(shown, campaign.item_count)
    if campaign.sends is not None:
        rows = with_why(rows, profiles)
    if campaign.experiment is not None:
        rows = rows.assign(arm=rows["person_id"].map(profiles.set_index("person_id")["arm"]).astype("string"))
    return Audience(
        rows,
        outcomes,
        offered[["person_id", "item_id", "title", "reason"]],
        explored,
        has_experiment=campaign.experiment is not None or held_back is not None,
    )


def matches(campaign: Campaign, profiles: pd.DataFrame) -> pd.Series:
    """Whether each person meets all conditions of `who`; an unknown number meets none."""
    inside = pd.Series(True, index=profiles.index)
    for category, min_weight in campaign.likes.items():
        inside &= profiles["interests"].map(lambda found, c=category, w=min_weight: _likes(found, c, w))
    for column, allowed in campaign.one_of.items():
        inside &= profiles[column].isin(allowed)
    if campaign.segments:
        segments = set(campaign.segments)
        inside &= profiles["segments"].map(lambda found: _is_list(found) and not segments.isdisjoint(found))
    for column, limit in campaign.at_least.items():
        inside &= profiles[column] >= limit
    for column, limit in campaign.at_most.items():
        inside &= profiles[column] <= limit
    return inside


def offers(campaign: Campaign, scores: pd.DataFrame, items: pd.DataFrame, showcase: Showcase) -> pd.DataFrame:
    """The best items of each person that the campaign may carry, or draw from, with title and place from 1.

    Args:
        scores: one row a person and rank: person_id, rank, item_id, reason.
        items: item_id, title, one row a place of the showcase's catalogue.
        showcase: what may stand in the campaign's lists.
    """
    most = campaign.item_count if campaign.explore_share is None else MOST_CHOICES
    rows = scores.sort_values(["person_id", "rank"], ignore_index=True)
    person, people = pd.factorize(rows["person_id"])
    column = rows.groupby(person).cumcount().to_numpy()
    row_at = np.full((len(people), column.max(initial=0) + 1), -1)  # (people, most rows of one)
    row_at[person, column] = np.arange(len(rows))
    places = np.append(showcase.catalogue.places(rows["item_id"].to_numpy(object)), -1)
    chosen = showcase.in_order(places[row_at], most)
    person, place = np.nonzero(chosen.items >= 0)
    offered = rows.iloc[row_at[person, chosen.at[person, place]]]
    titles = items["title"].to_numpy(object)[chosen.items[person, place]]
    return offered.assign(title=titles, place=place + 1)


def one_row_a_person(offered: pd.DataFrame, item_count: int) -> pd.DataFrame:
    """Offers as one row a person; places without an item stay empty."""
    rows = pd.DataFrame({"person_id": sorted(offered["person_id"].unique())})
    for place in range(1, item_count + 1):
        here = offered[offered["place"] == place].set_index("person_id")
        for column, suffix in (("item_id", ""), ("title", "_title"), ("reason", "_why")):
            rows[f"item_{place}{suffix}"] = rows["person_id"].map(here[column]).astype("string")
    return rows.astype({"person_id": "string"})


def with_why(rows: pd.DataFrame, profiles: pd.DataFrame) -> pd.DataFrame:
    """Audience rows with the chance to click, and what raised it most, in words."""
    of_person = profiles.set_index("person_id")
    chance = rows["person_id"].map(of_person["click_chance"]).astype("float64")
    reasons = rows["person_id"].map(of_person["reasons"])
    why = reasons.map(lambda found: "; ".join(found) if _is_list(found) else "")
    return rows.assign(click_chance=chance, why=why.astype("string"))


def _likes(interests: Any, category: str, min_weight: float) -> bool:
    return _is_list(interests) and any(
        interest["category"] == category and interest["weight"] >= min_weight for interest in interests
    )


def _is_list(found: Any) -> bool:
    """Whether a cell holds a list; where a person has no profile it is not a number, or nothing."""
    return isinstance(found, list | np.ndarray)
