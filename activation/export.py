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

    python -m activation.export --ds 2026-11-20
"""

from __future__ import annotations

from activation.audiences.draft import Draft
from activation.audiences.night import Night
from activation.planning.publishing import NightPlans
from contracts.arguments import day_parser
from contracts.entry_point import exit_with_sentence
from contracts.errors import NightshiftError
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.settings import Settings


def main() -> None:
    chosen = day_parser("activation.export", __doc__).parse_args()
    exit_with_sentence(lambda: make_audiences(chosen.ds))


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
                audience = batch.audience(campaign, night.items, night.policy, draws=planned is None)
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
