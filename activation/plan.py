"""Plan the messages of a night: for everybody and every campaign, whether there is one, and if not, why not.

A person gets a campaign's message who meets its `who`, agreed to its purpose, is not held out by its experiment, whom
the policy lets be written to (activation/policy.yml unless NIGHTSHIFT_POLICY says otherwise), and, where people or
budgets do not take all messages, if the campaign wins: by expected euros less cost, as near to the best plan as the
report says. The tables `plans` and `plan_books` are published before anything leaves, and `activation.export` lets
nobody out who is not planned. Everybody is accounted for, for every campaign: considered = planned + the people of each
reason; a night whose books do not add up publishes nothing. A campaign that cannot be understood is named in the
report; the others are planned.

    python -m activation.plan --ds 2026-11-20
"""

from __future__ import annotations

import shutil

from activation.audiences.night import Night
from activation.experiments.eligible import publish_eligible
from activation.planning.decision import Decision
from activation.planning.gathering import could_be_written_to, decide_on, gather
from activation.planning.publishing import books_of, publish_plans
from activation.planning.sent import messages_of_no_campaign
from contracts.arguments import day_parser
from contracts.entry_point import exit_with_sentence
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.settings import Settings
from contracts.tables.activation import OUTCOMES

_MOST_SAID = 5
"""Campaigns that one line names; the report has all."""


def main() -> None:
    chosen = day_parser("activation.plan", __doc__).parse_args()
    exit_with_sentence(lambda: make_plan(chosen.ds))


def make_plan(ds: str) -> None:
    """Publish `assignments`, `eligible`, `plans` and `plan_books` of one day.

    Raises:
        LakeError: marts, scores or persons of that day are missing, or the books do not add up.
        SettingsError: there is no campaign, or the policy cannot be understood.
        BusyError: another run is planning.
    """
    settings = Settings.from_env()
    lake = Lake(settings.home.lake)
    with lake.step("plan"), Report(settings.home.reports, ds).timed("plan") as fragment:
        night = Night.read(settings, lake, ds, step="plan")
        policy = night.policy
        staging = lake.staging("plan")
        candidates, people = gather(night, policy, staging)
        publish_eligible(lake, ds, could_be_written_to(candidates, people))
        decision = decide_on(settings, night, policy, candidates, people)
        fragment["plans"] = {}
        books, files = [], {}
        for one, decided in zip(candidates, decision.outcomes, strict=True):
            name, file = one.campaign.name, staging / f"{one.campaign.name}.parquet"
            own = books_of(name, decided, len(people))
            euros = one.planned(decided, file)
            files[file.name] = file
            described = {"campaign": name, "channel": one.campaign.channel, "sends": one.campaign.sends}
            books.append({**described, "definition": policy.definition(one.campaign), **own, **euros})
            fragment["plans"][name] = {"status": "planned", "channel": one.campaign.channel, **own, **euros}
            why = ", ".join(f"{outcome} {own[outcome]:,}" for outcome in OUTCOMES[1:] if own[outcome])
            say(f"plan {name}: {own['planned']:,} of {own['considered']:,} people" + (f" ({why})" if why else ""))
        for name, error in night.failed.items():
            fragment["plans"][name] = {"status": "failed", "error": str(error)}
            say(f"plan {name}: failed: {error}")
        fragment["sent_of_no_campaign"] = unknown = messages_of_no_campaign(lake, ds, night.campaigns)
        if unknown:
            listed = ", ".join(f"{name} {messages:,}" for name, messages in list(unknown.items())[:_MOST_SAID])
            say(f"plan: send logs name {len(unknown):,} campaigns without a file: {listed}")
        fragment["arbitration"] = arbitration_report(decision)
        publish_plans(lake, ds, files, books, staging / "books.parquet")
        shutil.rmtree(staging)  # the messages that were asked for


def arbitration_report(decision: Decision) -> dict[str, dict[str, float]]:
    """Channel -> euros less cost of what is planned, the most that any plan could bring, and the share between."""
    found = {}
    for channel, result in decision.channels.items():
        found[channel] = {
            "euros": round(result.euros, 2),
            "bound": round(result.bound, 2),
            "gap": round(result.gap, 6),
        }
        if result.bound > 0:
            say(f"plan {channel}: {result.euros:,.2f} euros expected, at most {result.gap:.2%} below the best plan")
    return found


if __name__ == "__main__":
    main()
