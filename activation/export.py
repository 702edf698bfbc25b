"""Make the audience of every campaign: who to show what, and why, one row a person.

Each file of the campaigns folder (activation/campaigns/ unless NIGHTSHIFT_CAMPAIGNS says otherwise) becomes
audiences/<name>/ds=YYYY-MM-DD/ with audience.csv and audience.parquet. Nobody is in it who did not agree to the
campaign's purpose and to personalisation, by everything that has been mapped until now, and everybody else is counted
with the reason why they are not: scored = exported + suppressed + failed, or nothing of that campaign is published. Who
is held out by a campaign's experiment is decided, and published as the table `assignments`, before any audience is.
Where the day has a plan (`activation.plan`), nobody is let out for whom none of the campaign's messages is planned, and
the items are those that are planned. A campaign that fails is named in the report with its error; the others are made,
and the status says that one failed. An audience of fewer than NIGHTSHIFT_SMALLEST_GROUP people (20) is not let out: its
files are empty. People are read some ten thousand at a time, so that memory does not grow with them.

With --preview a campaign is tried before it is saved, and nothing is written: how many people it would have reached,
why not the others, ten of them with their items and reasons, how it overlaps with other campaigns, and the clicks and
euros expected, all by tonight's policy and beside the campaigns that there are. Groups of fewer than
NIGHTSHIFT_SMALLEST_GROUP people have no figure. The file has to be called as the campaign is, and may stand anywhere;
it takes the place of the campaign of that name. Of more people than --people some are looked at, by lot.

    python -m activation.export --ds 2026-11-20
    python -m activation.export --preview ~/winter_letter.yml
    python -m activation.export --preview activation/campaigns/weekend_runners.yml --ds 2026-11-19 --people 0
"""

from __future__ import annotations

from pathlib import Path

from activation.audiences.draft import Draft
from activation.audiences.night import Night
from activation.planning.publishing import NightPlans
from activation.preview.preview import preview
from activation.preview.words import lines_of
from contracts.arguments import day_parser
from contracts.entry_point import exit_with_sentence
from contracts.errors import NightshiftError
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.settings import Settings

PREVIEWED = 100_000
"""People whom a preview looks at: a share of many people is known well enough by them, in seconds."""


def main() -> None:
    parser = day_parser("activation.export", __doc__, required=False)
    parser.add_argument("--preview", type=Path, metavar="FILE", help="try this campaign; by default on the newest day")
    parser.add_argument(
        "--people", type=int, metavar="N", help=f"of a preview: look at most at so many (0: all; {PREVIEWED:,})"
    )
    chosen = parser.parse_args()
    if chosen.preview is None and (chosen.ds is None or chosen.people is not None):
        parser.error("expected --ds DAY, or --preview FILE with or without --ds and --people")
    if chosen.people is not None and chosen.people < 0:
        parser.error(f"expected at least 0 people, received {chosen.people}")
    if chosen.preview is None:
        exit_with_sentence(lambda: make_audiences(chosen.ds))
    else:
        people = PREVIEWED if chosen.people is None else chosen.people
        exit_with_sentence(lambda: show_preview(chosen.preview, chosen.ds, people))


def show_preview(file: Path, ds: str | None, most_people: int) -> None:
    """Print what a campaign would do.

    Args:
        ds: a day that was scored; None for the newest.
        most_people: 0 for all.

    Raises:
        SettingsError: the campaign or the policy cannot be understood, or the policy refuses the campaign.
        LakeError: that day was not scored, or its marts are missing.
    """
    settings = Settings.from_env()
    for line in lines_of(preview(settings, file, ds, most_people or None), settings.smallest_group):
        print(line)


def make_audiences(ds: str) -> None:
    """Publish the audience of every campaign for one day.

    Raises:
        LakeError: marts or scores of that day are missing, or, after the others were made, an account does not add up.
            Or, after the others were made, a campaign, the policy or the scores were changed since the day was planned.
        SettingsError: there is no campaign, the policy cannot be understood, or, after the others were made, a campaign
            cannot be.
        BusyError: another run is making audiences.
    """
    settings = Settings.from_env()
    lake, audiences = Lake(settings.home.lake), Lake(settings.home.audiences)
    with (
        lake.among_others(),
        Report(settings.home.reports, ds).timed("activate") as fragment,
        audiences.lock("activate"),
    ):
        night = Night.read(settings, lake, ds, step="activate")
        plans = NightPlans.read(lake, ds)
        failed = night.failed | plans.outdated(night.understood, night.policy)
        staging = audiences.staging("activate")
        drafts = {name: Draft(name, staging / name) for name in night.campaigns if name not in failed}
        for batch in night.batches():
            planned = plans.of(batch.people["person_id"])
            for name, draft in drafts.items():
                campaign = night.campaigns[name]
                audience = batch.audience(
                    campaign, night.items, night.showcases[name], night.policy, draws=planned is None
                )
                try:
                    draft.add(audience if planned is None else audience.as_planned(planned[name], campaign.item_count))
                except NightshiftError as error:
                    failed[name] = error
            drafts = {name: draft for name, draft in drafts.items() if name not in failed}
        fragment["audiences"] = {}
        for name in night.campaigns:
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
                fragment["audiences"][name] = {"status": "exported", **account, **night.changes.get(name, {})}
                too_small = "; withheld, for it is too small a group" if account["suppressed"]["small_group"] else ""
                say(f"activate {name}: {account['exported']:,} of {account['scored']:,} people{too_small}")
    Report(settings.home.reports, ds).merge()  # the last step of the line leaves the run's report
    for error in failed.values():
        raise error


if __name__ == "__main__":
    main()
