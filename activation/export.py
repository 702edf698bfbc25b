"""Make the audience of every campaign: who to show what, and why, one row a person.

Each file of the campaigns folder (activation/campaigns/ unless NIGHTSHIFT_CAMPAIGNS says otherwise) becomes
audiences/<name>/ds=YYYY-MM-DD/ with audience.csv and audience.parquet. Nobody is in it who did not agree to the
campaign's purpose and to personalisation, by everything that has been mapped until now, and everybody else is counted
with the reason why they are not: scored = exported + suppressed + failed, or nothing of that campaign is published. Who
is held out by a campaign's experiment is decided, and published as the table `assignments`, before any audience is. A
campaign that fails is named in the report with its error; the others are made, and the status says that one failed. An
audience of fewer than NIGHTSHIFT_SMALLEST_GROUP people (20) is not let out: its files are empty. People are read some
ten thousand at a time, so that memory does not grow with them.

    python -m activation.export --ds 2026-11-20
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from activation.audiences.campaigns import Campaign, load_campaigns
from activation.audiences.draft import Draft
from activation.audiences.selection import PREDICTION_COLUMNS, PROFILE_COLUMNS, select_audience, with_arms, with_chances
from activation.experiments.publishing import publish_assignments
from activation.experiments.sample_ratio import THRESHOLD
from contracts.arguments import day_parser
from contracts.entry_point import exit_with_sentence
from contracts.errors import NightshiftError
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.settings import Settings
from contracts.tables.activation import ASSIGNMENTS
from lake_tables.arrow import read_mart, read_table
from lake_tables.consent import latest_consents

_SCORED = {
    "scores": ["person_id", "rank", "item_id", "reason"],
    "predictions": PREDICTION_COLUMNS,
    "responses": ["person_id", "campaign", "click_chance", "purchase_chance", "reasons"],
}

_PEOPLE_A_BATCH = 50_000
"""With their scores some hundred megabytes."""


def main() -> None:
    chosen = day_parser("activation.export", __doc__).parse_args()
    exit_with_sentence(lambda: make_audiences(chosen.ds))


def make_audiences(ds: str) -> None:
    """Publish the audience of every campaign for one day.

    Raises:
        LakeError: marts or scores of that day are missing, or, after the others were made, an account does not add up.
        SettingsError: there is no campaign, or, after the others were made, one cannot be understood.
        BusyError: another run is making audiences.
    """
    settings = Settings.from_env()
    lake, audiences = Lake(settings.home.lake), Lake(settings.home.audiences)
    with (
        lake.among_others(),
        Report(settings.home.reports, ds).timed("activate") as fragment,
        audiences.lock("activate"),
    ):
        consents = latest_consents(lake, ds)
        catalogue = read_mart(lake, "dim_item", ds, ["item_id", "title", "category"], optional=["available"])
        items = catalogue.to_pandas()
        campaigns = load_campaigns(settings.campaigns, {*items["category"], *liked_categories(lake, ds)})
        failed = {name: found for name, found in campaigns.items() if isinstance(found, NightshiftError)}
        changes = assign(settings, lake, ds, campaigns, consents)
        staging = audiences.staging("activate")
        drafts = {name: Draft(name, staging / name) for name in campaigns if name not in failed}
        for batch in in_batches(consents):
            people, scores, responses = read_people(lake, ds, batch)
            assignments = read_assignments(lake, ds, batch) if changes else None
            for name, draft in drafts.items():
                chances = with_chances(people, responses, campaigns[name])
                arms = with_arms(chances, assignments, campaigns[name])
                draft.add(select_audience(campaigns[name], arms, scores, items))
        fragment["audiences"] = {}
        for name in campaigns:
            try:
                if name in failed:
                    raise failed[name]
                account = drafts[name].finish(settings.smallest_group)
                audiences.publish(name, ds, drafts[name].files)
            except NightshiftError as error:
                failed[name] = error
                fragment["audiences"][name] = {"status": "failed", "error": str(error)}
                say(f"activate {name}: failed: {error}")
            else:
                fragment["audiences"][name] = {"status": "exported", **account, **changes.get(name, {})}
                too_small = "; withheld, for it is too small a group" if account["suppressed"]["small_group"] else ""
                say(f"activate {name}: {account['exported']:,} of {account['scored']:,} people{too_small}")
    Report(settings.home.reports, ds).merge()  # the last step of the line leaves the run's report
    for error in failed.values():
        raise error


def assign(
    settings: Settings,
    lake: Lake,
    ds: str,
    campaigns: dict[str, Campaign | NightshiftError],
    consents: pd.DataFrame,
) -> dict[str, dict[str, int | float]]:
    """Publish the arms of the campaigns' experiments, of everyone who agreed to personalisation.

    Returns:
        Campaign with an experiment -> what `publish_assignments` says of it.

    Raises:
        LakeError: the persons of that day are missing, or do not know somebody.
    """
    read = (campaign for campaign in campaigns.values() if isinstance(campaign, Campaign))
    experiments = [campaign.experiment for campaign in read if campaign.experiment is not None]
    agreed = consents.loc[consents["consent_personalisation"], "person_id"]
    keys = pseudonym_keys(settings) if experiments else ()
    changes = publish_assignments(lake, ds, experiments, pa.array(agreed, pa.string()), keys)
    for name, found in changes.items():
        if found["changed_arm"]:
            say(f"activate {name}: {found['changed_arm']:,} people have changed arm since its experiment began")
        if found["sample_ratio_p"] < THRESHOLD:
            say(
                f"activate {name}: WARNING: arms do not have the sizes of the lot (p {found['sample_ratio_p']:.1g}): "
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
    ids = consents["person_id"]
    between = (ids.iloc[0], ids.iloc[-1]) if len(ids) else ("", "")
    profiles = read_mart(lake, "dim_person_profile", ds, PROFILE_COLUMNS, people=between).to_pandas()
    scores, predictions, responses = (
        read_table(
            lake.require(table, ds, made_by=f"python -m serving.score --ds {ds}"), columns, people=between
        ).to_pandas()
        for table, columns in _SCORED.items()
    )
    people = consents.merge(profiles, how="left", on="person_id").merge(predictions, how="left", on="person_id")
    return people, scores, responses


def read_assignments(lake: Lake, ds: str, consents: pd.DataFrame) -> pd.DataFrame:
    """The arms of the people of a batch, in every experiment."""
    ids = consents["person_id"]
    between = (ids.iloc[0], ids.iloc[-1]) if len(ids) else ("", "")
    columns = ["person_id", "experiment", "arm"]
    return read_table(lake.partition(ASSIGNMENTS.name, ds), columns, people=between).to_pandas()


if __name__ == "__main__":
    main()
