"""What messages changed in truth: the world as it was, against the same world without a campaign's messages.

The town knows of each visit whether a message caused it, and of each visit that was not whether a message prevented it.
So it can say of each person what would have been without, which no experiment can: the mean over those who were to get
the message is what an experiment's interval should hold. That other campaigns tired people as well is part of both
worlds. Where the night says whom a campaign could have written to, the lift is about these, and so is the mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contracts.lake import Lake
from contracts.settings import Settings
from contracts.tables.activation import ASSIGNMENTS, ELIGIBLE
from sample_data.people import Person
from sample_data.responses.diary import Diary
from sample_data.responses.planned import people_of_pseudonyms, rows

METRICS = ("visit", "purchase", "euros", "unsubscribe")
"""Of a person, since the first day in the experiment: whether one came, whether one bought, euros of what one bought,
whether one unsubscribed; as the table `lift` has them."""

HOLDOUT = "holdout"


@dataclass(frozen=True)
class Assigned:
    """A person of the lake in an arm."""

    number: int | None
    """Of the person of the town; None of somebody whom the town does not know."""
    since: str
    """The night on which the person was drawn: what counts happens later."""


def planted_lift(
    settings: Settings, ds: str, people: list[Person], diaries: list[Diary]
) -> dict[str, dict[str, dict[str, float]]]:
    """Experiment -> arm -> metric -> what sending changed a person until a night, for arms that are not held out.

    Args:
        diaries: those up to and with `ds`, oldest first.

    Raises:
        LakeError: nobody is assigned on that night, or there are no persons.
    """
    columns = ["person_id", "experiment", "arm", "since", "left_out"]
    assigned = rows(settings, ASSIGNMENTS.name, ds, columns, made_by="activation.plan").to_pylist()
    about = _eligible(settings, ds, assigned)
    number_of = people_of_pseudonyms(settings, ds, people)
    arms: dict[tuple[str, str], list[Assigned]] = {}
    for row in assigned:
        is_meant = row["person_id"] in about.get(row["experiment"], (row["person_id"],))
        if row["arm"] != HOLDOUT and not row["left_out"] and is_meant:
            who = Assigned(number_of.get(row["person_id"]), str(row["since"]))
            arms.setdefault((row["experiment"], row["arm"]), []).append(who)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for (experiment, arm), those in sorted(arms.items()):
        found.setdefault(experiment, {})[arm] = lift_of(experiment, those, diaries)
    return found


def _eligible(settings: Settings, ds: str, assigned: list[dict]) -> dict[str, set[str]]:
    """Experiment -> ids of those whom it is about, where that is known since its first night."""
    if ds not in Lake(settings.home.lake).days(ELIGIBLE.name):
        return {}
    known = rows(
        settings, ELIGIBLE.name, ds, ["person_id", "experiment", "since"], made_by="activation.plan"
    ).to_pylist()
    began: dict[str, object] = {}
    for row in assigned:
        began[row["experiment"]] = min(row["since"], began.get(row["experiment"], row["since"]))
    people: dict[str, set[str]] = {}
    for row in known:
        people.setdefault(row["experiment"], set()).add(row["person_id"])
    complete = {row["experiment"] for row in known if row["since"] == began.get(row["experiment"])}
    return {name: found for name, found in people.items() if name in complete}


def lift_of(campaign: str, people: list[Assigned], diaries: Iterable[Diary]) -> dict[str, float]:
    """Metric -> mean over people of what is less what would have been without the messages of a campaign."""
    since = {one.number: one.since for one in people if one.number is not None}
    there: dict[int, list[float]] = {}
    without: dict[int, list[float]] = {}
    left: set[int] = set()
    for diary in diaries:
        for visit in diary.visits:
            if diary.ds > since.get(visit.person, "9999"):
                if visit.kept_away_by is None:
                    there.setdefault(visit.person, []).append(visit.euros)
                if visit.kept_away_by in (None, campaign) and visit.came_by != campaign:
                    without.setdefault(visit.person, []).append(visit.euros)
        left |= {
            message.person
            for message in diary.messages
            if message.left and message.campaign == campaign and diary.ds > since.get(message.person, "9999")
        }
    now, then = _sums(there), _sums(without)
    changed = {name: now[name] - then[name] for name in now} | {"unsubscribe": float(len(left))}
    return {name: round(changed[name] / len(people), 5) for name in METRICS} if people else {}


def _sums(euros_of: Mapping[int, list[float]]) -> dict[str, float]:
    """People who came, people who bought, and the euros of all."""
    return {
        "visit": float(len(euros_of)),
        "purchase": float(sum(any(euros > 0 for euros in visits) for visits in euros_of.values())),
        "euros": sum(sum(visits) for visits in euros_of.values()),
    }
