"""A night's campaigns and its people, some at a time, as planning and exporting read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from activation.audiences.campaigns import CHANGES, Campaign, load_campaigns, read_draft
from activation.audiences.exploration import Lot
from activation.audiences.selection import (
    PREDICTION_COLUMNS,
    PROFILE_COLUMNS,
    Audience,
    held_out_of_all,
    select_audience,
    with_arms,
    with_chances,
    with_changes,
)
from activation.audiences.shown_lists import say_without_shadow, with_lists_of_challenger
from activation.experiments.experiment import Experiment
from activation.experiments.publishing import draw_arms, publish_assignments
from activation.experiments.sample_ratio import THRESHOLD
from activation.planning.policy import Policy, read_policy
from contracts.errors import NightshiftError
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.report import say
from contracts.settings import Settings
from contracts.tables.activation import ASSIGNMENTS
from contracts.tables.served import UPLIFTS
from lake_tables.arrow import id_range, read_mart, read_table
from lake_tables.consent import latest_consents
from lake_tables.shown.catalogue import Catalogue, morning_after
from lake_tables.shown.rules import Rules, read_rules
from lake_tables.shown.showcase import Showcase

_SCORED = {
    "scores": ["person_id", "rank", "item_id", "reason"],
    "predictions": PREDICTION_COLUMNS,
    "responses": ["person_id", "campaign", "click_chance", "purchase_chance", "reasons"],
}

_PEOPLE_A_BATCH = 50_000
"""With their scores some hundred megabytes."""


@dataclass(frozen=True)
class Batch:
    """Some people, and what is known of them."""

    people: pd.DataFrame
    """One row a person, by person id: consents, profile, predictions."""
    scores: pd.DataFrame
    responses: pd.DataFrame
    uplifts: pd.DataFrame
    """What sending changes, by person and campaign; without a champion that says so no rows."""
    assignments: pd.DataFrame | None
    """Their arms; nothing where there is no experiment."""
    lot: Lot | None = None
    """What fills the places of campaigns that explore; nothing where none does."""

    def audience(
        self, campaign: Campaign, items: pd.DataFrame, showcase: Showcase, policy: Policy, *, draws: bool = True
    ) -> Audience:
        """Who of them a campaign selects, of those whom no global holdout holds back from it.

        Args:
            items: item_id, title, one row a place of the showcase's catalogue.
            showcase: what may stand in the campaign's lists.
            draws: false where the items are planned already, so that no lot need be drawn again.
        """
        people = with_changes(with_chances(self.people, self.responses, campaign), self.uplifts, campaign)
        people = with_arms(people, self.assignments, campaign)
        heeds = policy.holdout_from(campaign) is not None
        held_back = people["person_id"].isin(held_out_of_all(self.assignments)) if heeds else None
        return select_audience(campaign, people, self.scores, items, showcase, self.lot if draws else None, held_back)


@dataclass(frozen=True)
class Night:
    """What a night decides on."""

    lake: Lake
    ds: str
    consents: pd.DataFrame
    items: pd.DataFrame
    """item_id, title."""
    showcases: dict[str, Showcase]
    """What may stand in the lists of each campaign that can be understood, on the morning after."""
    campaigns: dict[str, Campaign | NightshiftError]
    """By name; one that cannot be understood, or that the policy refuses, is its error."""
    policy: Policy
    changes: dict[str, dict[str, int | float]]
    """Experiment -> what `publish_assignments` says of it."""
    lot: Lot | None
    """What fills the places of campaigns that explore; nothing where none does."""
    drawn: pd.DataFrame | None = None
    """Arms that are published nowhere: person_id, experiment, arm. None where those of the lake hold."""

    @classmethod
    def draft(cls, settings: Settings, lake: Lake, ds: str, file: Path, most_people: int | None) -> tuple[Night, str]:
        """The night as it would be with a campaign that may not be among the others yet; nothing is published.

        Args:
            file: of the campaign.
            most_people: so many of the people, of whom ids are the smallest; None for all. Ids follow from a hash, so
                that these are drawn by lot, and the same each time.

        Returns:
            The night, and the campaign's name.

        Raises:
            LakeError: marts, scores or persons of that day are missing, or do not know somebody.
            SettingsError: the campaign or the policy cannot be understood, or the policy refuses the campaign.
        """
        categories = known_categories(lake, ds)
        own = read_draft(file, categories)
        campaigns, policy, rules = _with_policy(settings, load_campaigns(settings.campaigns, categories, own))
        if isinstance(error := campaigns[own.name], NightshiftError):
            raise error
        for table in _SCORED:
            scored_folder(lake, table, ds)
        consents = latest_consents(lake, ds).sort_values("person_id", ignore_index=True)
        night = cls(
            lake,
            ds,
            consents.head(most_people) if most_people else consents,
            _items(lake, ds),
            showcases_of(lake, ds, campaigns, rules),
            campaigns,
            policy,
            {},
            None,
        )
        arms = None
        if experiments := experiments_of(campaigns, policy):
            agreed = night.consents.loc[night.consents["consent_personalisation"], "person_id"]
            people, keys = pa.array(agreed, pa.string()), pseudonym_keys(settings)
            arms = draw_arms(lake, ds, experiments, people, keys).to_pandas()
        lot = Lot.of(pseudonym_keys(settings), ds) if _explores(campaigns) else None
        return replace(night, drawn=arms, lot=lot), own.name

    @classmethod
    def read(cls, settings: Settings, lake: Lake, ds: str, *, step: str) -> Night:
        """Read campaigns and consents, and publish the arms of experiments.

        Args:
            step: whose lines say what was found.

        Raises:
            LakeError: marts, scores or persons of that day are missing, or do not know somebody.
            SettingsError: there is no campaign, or policy or rules cannot be understood.
        """
        consents = latest_consents(lake, ds)
        items = _items(lake, ds)
        campaigns, policy, rules = _read_campaigns(settings, lake, ds)
        showcases = showcases_of(lake, ds, campaigns, rules)
        for table in _SCORED:  # before arms are drawn for a night that cannot be planned
            scored_folder(lake, table, ds)
        if policy.challenger is not None:
            say_without_shadow(lake, ds, step=step)
        changes = assign(settings, lake, ds, experiments_of(campaigns, policy), consents, step=step)
        lot = Lot.of(pseudonym_keys(settings), ds) if _explores(campaigns) else None
        return cls(lake, ds, consents, items, showcases, campaigns, policy, changes, lot)

    @property
    def understood(self) -> dict[str, Campaign]:
        return understood(self.campaigns)

    @property
    def failed(self) -> dict[str, NightshiftError]:
        return {name: found for name, found in self.campaigns.items() if isinstance(found, NightshiftError)}

    def batches(self) -> Iterator[Batch]:
        """The people in the order of their ids; one empty batch of none.

        Raises:
            LakeError: marts or scores of that day are missing.
        """
        for consents in in_batches(self.consents):
            people, scores, responses = read_people(self.lake, self.ds, consents)
            uplifts = read_uplifts(self.lake, self.ds, consents)
            arms = self._arms(consents)
            if self.policy.challenger is not None:
                scores = with_lists_of_challenger(scores, self.lake, self.ds, consents, arms)
            yield Batch(people, scores, responses, uplifts, arms, self.lot)

    def _arms(self, consents: pd.DataFrame) -> pd.DataFrame | None:
        if self.drawn is not None:
            return self.drawn[self.drawn["person_id"].isin(consents["person_id"])]
        return read_assignments(self.lake, self.ds, consents) if self.changes else None


def read_campaigns(settings: Settings, lake: Lake, ds: str) -> tuple[dict[str, Campaign | NightshiftError], Policy]:
    """The campaigns of a night by name, of which one that cannot be understood or is refused is its error; the policy.

    Raises:
        LakeError: the marts of that day are missing.
        SettingsError: there is no campaign, or policy or rules cannot be understood.
    """
    campaigns, policy, _ = _read_campaigns(settings, lake, ds)
    return campaigns, policy


def _read_campaigns(
    settings: Settings, lake: Lake, ds: str
) -> tuple[dict[str, Campaign | NightshiftError], Policy, Rules]:
    return _with_policy(settings, load_campaigns(settings.campaigns, known_categories(lake, ds)))


def _with_policy(
    settings: Settings, campaigns: Mapping[str, Campaign | NightshiftError]
) -> tuple[dict[str, Campaign | NightshiftError], Policy, Rules]:
    policy = read_policy(settings.policy, understood(campaigns), campaigns)
    rules = read_rules(settings.rules, campaigns)
    policy = replace(policy, sha256=f"{policy.sha256} {rules.sha256}")  # a plan is made of both
    return {**campaigns, **policy.refused(understood(campaigns).values())}, policy, rules


def known_categories(lake: Lake, ds: str) -> set[str]:
    """Every category that an item has, or a profile names as an interest.

    Raises:
        LakeError: the marts of that day are missing.
    """
    of_items = pc.unique(read_mart(lake, "dim_item", ds, ["category"])["category"]).to_pylist()
    return {*of_items, *liked_categories(lake, ds)}


def _items(lake: Lake, ds: str) -> pd.DataFrame:
    return read_mart(lake, "dim_item", ds, ["item_id", "title"]).to_pandas()


def _explores(campaigns: Mapping[str, Campaign | NightshiftError]) -> bool:
    return any(one.explore_share is not None for one in understood(campaigns).values())


def showcases_of(
    lake: Lake, ds: str, campaigns: Mapping[str, Campaign | NightshiftError], rules: Rules
) -> dict[str, Showcase]:
    """What may stand in the lists of each campaign of a night that can be understood, on the morning after.

    Raises:
        LakeError: the marts of that day are missing.
    """
    catalogue = Catalogue.read(lake, ds)
    return {
        name: Showcase.of(catalogue, rules, morning_after(ds), campaign=name, category=campaign.item_category)
        for name, campaign in understood(campaigns).items()
    }


def understood(campaigns: Mapping[str, Campaign | NightshiftError]) -> dict[str, Campaign]:
    """Those that are no error."""
    return {name: found for name, found in campaigns.items() if isinstance(found, Campaign)}


def experiments_of(campaigns: Mapping[str, Campaign | NightshiftError], policy: Policy) -> list[Experiment]:
    """Those of the campaigns, and those of the policy behind them."""
    own = [one.experiment for one in understood(campaigns).values()]
    return [experiment for experiment in (*own, *policy.experiments) if experiment is not None]


def scored_folder(lake: Lake, table: str, ds: str) -> Path:
    """Where a table of the night's scores lies.

    Raises:
        LakeError: nobody was scored on that day.
    """
    return lake.require(table, ds, made_by=f"python -m serving.score --ds {ds}")


def assign(
    settings: Settings,
    lake: Lake,
    ds: str,
    experiments: Sequence[Experiment],
    consents: pd.DataFrame,
    *,
    step: str,
) -> dict[str, dict[str, int | float]]:
    """Publish the arms of experiments, of everyone who agreed to personalisation.

    Returns:
        Experiment -> what `publish_assignments` says of it.

    Raises:
        LakeError: the persons of that day are missing, or do not know somebody.
    """
    agreed = consents.loc[consents["consent_personalisation"], "person_id"]
    keys = pseudonym_keys(settings) if experiments else ()
    changes = publish_assignments(lake, ds, experiments, pa.array(agreed, pa.string()), keys)
    for name, found in changes.items():
        if found["changed_arm"]:
            say(f"{step} {name}: {found['changed_arm']:,} people have changed arm since its experiment began")
        if found["sample_ratio_p"] < THRESHOLD:
            say(
                f"{step} {name}: WARNING: arms do not have the sizes of the lot (p {found['sample_ratio_p']:.1g}): "
                "do not trust its lift; if its shares were changed, give the experiment another salt"
            )
    return changes


def liked_categories(lake: Lake, ds: str) -> list[str]:
    """Every category that a profile of the day names as an interest."""
    interests = read_mart(lake, "dim_person_profile", ds, ["interests"])["interests"]
    return pc.unique(pc.struct_field(pc.list_flatten(interests), "category")).to_pylist()


def in_batches(consents: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The people in the order of their ids, some at a time, never one in two batches; one empty batch of none."""
    consents = consents.sort_values("person_id", ignore_index=True)
    ids = consents["person_id"].to_numpy(object)
    start = 0
    while start < len(ids) or start == 0:
        stop = min(start + _PEOPLE_A_BATCH, len(ids))
        while 0 < stop < len(ids) and ids[stop] == ids[stop - 1]:
            stop += 1
        yield consents.iloc[start:stop].reset_index(drop=True)
        start = max(stop, 1)


def read_people(lake: Lake, ds: str, consents: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What is known of the people of a batch: they themselves with profile and predictions, scores, responses."""
    between = id_range(consents["person_id"])
    profiles = read_mart(lake, "dim_person_profile", ds, PROFILE_COLUMNS, people=between).to_pandas()
    scores, predictions, responses = (
        read_table(
            scored_folder(lake, table, ds),
            columns,
            optional=["expected_value"] if table == "responses" else [],
            people=between,
        ).to_pandas()
        for table, columns in _SCORED.items()
    )
    people = consents.merge(profiles, how="left", on="person_id").merge(predictions, how="left", on="person_id")
    return people, scores, responses


def read_uplifts(lake: Lake, ds: str, consents: pd.DataFrame) -> pd.DataFrame:
    """What sending changes for the people of a batch, by campaign; no rows for a day that was scored without it."""
    columns = ["person_id", "campaign", *CHANGES]
    if not lake.files(UPLIFTS.name, ds):
        return pd.DataFrame({name: pd.Series(dtype="float64" if name in CHANGES else "str") for name in columns})
    folder = lake.partition(UPLIFTS.name, ds)
    return read_table(folder, columns, people=id_range(consents["person_id"])).to_pandas()


def read_assignments(lake: Lake, ds: str, consents: pd.DataFrame) -> pd.DataFrame:
    """The arms of the people of a batch, in every experiment."""
    columns = ["person_id", "experiment", "arm"]
    people = id_range(consents["person_id"])
    return read_table(lake.partition(ASSIGNMENTS.name, ds), columns, people=people).to_pandas()
