"""Make the audience of every campaign: who to show what, and why, one row a person.

Each file of the campaigns folder (activation/campaigns/ unless NIGHTSHIFT_CAMPAIGNS says otherwise) becomes
audiences/<name>/ds=YYYY-MM-DD/ with audience.csv and audience.parquet. Nobody is in it who did not agree to the
campaign's purpose and to personalisation, by everything that has been mapped until now, and everybody else is counted
with the reason why they are not: scored = exported + suppressed + failed, or nothing of that campaign is published. A
campaign that fails is named in the report with its error; the others are made, and the status says that one failed. An
audience of fewer than NIGHTSHIFT_SMALLEST_GROUP people (20) is not let out: its files are empty.

    python -m activation.export --ds 2026-11-20
"""

from __future__ import annotations

from activation.audiences.campaigns import load_campaigns
from activation.audiences.selection import (
    PREDICTION_COLUMNS,
    PROFILE_COLUMNS,
    Audience,
    select_audience,
    with_chances,
    without_small_group,
)
from activation.audiences.spreadsheet import write_csv
from contracts.arguments import day_parser
from contracts.entry_point import exit_with_sentence
from contracts.errors import LakeError, NightshiftError
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.settings import Settings
from lake_tables.arrow import read_mart, read_table
from lake_tables.consent import latest_consents

_SCORED = {
    "scores": ["person_id", "rank", "item_id", "reason"],
    "predictions": PREDICTION_COLUMNS,
    "responses": ["person_id", "campaign", "click_chance", "purchase_chance", "reasons"],
}


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
        profiles = read_mart(lake, "dim_person_profile", ds, PROFILE_COLUMNS).to_pandas()
        catalogue = read_mart(lake, "dim_item", ds, ["item_id", "title", "category"], optional=["available"])
        items = catalogue.to_pandas()
        scores, predictions, responses = (
            read_table(lake.require(table, ds, made_by=f"python -m serving.score --ds {ds}"), columns).to_pandas()
            for table, columns in _SCORED.items()
        )
        people = consents.merge(profiles, how="left", on="person_id").merge(predictions, how="left", on="person_id")
        liked = {interest["category"] for interests in profiles["interests"].dropna() for interest in interests}
        fragment["audiences"] = {}
        failed: dict[str, NightshiftError] = {}
        for name, campaign in load_campaigns(settings.campaigns, {*items["category"], *liked}).items():
            try:
                if isinstance(campaign, NightshiftError):
                    raise campaign
                whole = select_audience(campaign, with_chances(people, responses, campaign), scores, items)
                audience = without_small_group(whole, settings.smallest_group)
                require_balance(name, audience)
                publish_audience(audiences, name, ds, audience)
            except NightshiftError as error:
                failed[name] = error
                fragment["audiences"][name] = {"status": "failed", "error": str(error)}
                say(f"activate {name}: failed: {error}")
            else:
                fragment["audiences"][name] = {"status": "exported", **audience.account()}
                say(f"activate {name}: {len(audience.rows):,} of {audience.scored:,} people{withheld(audience)}")
    Report(settings.home.reports, ds).merge()  # the last step of the line leaves the run's report
    for error in failed.values():
        raise error


def publish_audience(audiences: Lake, name: str, ds: str, audience: Audience) -> None:
    """Write both files of an audience and publish them; who calls holds the lock `activate`."""
    folder = audiences.staging("activate")
    files = {file: folder / file for file in ("audience.csv", "audience.parquet")}
    write_csv(audience.rows, files["audience.csv"])
    audience.rows.to_parquet(files["audience.parquet"], index=False)
    audiences.publish(name, ds, files)


def withheld(audience: Audience) -> str:
    """What the log adds where an audience is too small to be let out."""
    return "; withheld, for it is too small a group" if audience.suppressed["small_group"] else ""


def require_balance(name: str, audience: Audience) -> None:
    """Nobody may be lost, and nobody counted twice.

    Raises:
        LakeError: scored differs from exported + suppressed + failed.
    """
    counted = len(audience.rows) + sum(audience.suppressed.values()) + audience.failed
    if audience.scored != counted:
        raise LakeError(
            expected=f"{audience.scored} people of audience {name} = exported + suppressed + failed",
            received=f"{counted}: {audience.account()}",
            remedy="look for people who stand twice in a mart of people or in scores; nothing of it was published",
        )


if __name__ == "__main__":
    main()
