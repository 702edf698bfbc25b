"""Say how much of the simulated town's truth the pipeline has found out: who is who, who likes what, what was dirt.

Where there is no simulated town, there is nothing to compare, and this ends quietly.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from contracts.entry_point import exit_with_sentence
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.pseudonyms import pseudonym
from contracts.report import Report, source_entry
from contracts.settings import Settings
from sample_data.items import open_shop
from sample_data.parameters import Parameters, truth_file
from sample_data.people import settle
from sample_data.responses.diary import Diary, diaries
from sample_data.responses.effects import KINDS
from sample_data.responses.planned import rows
from sample_data.responses.planted_lift import planted_lift
from sample_data.responses.policies import worth_of_policies

IDENTIFIERS = {"accounts": "account", "cookies": "cookie", "emails": "email", "handles": "handle"}
"""The truth's lists of identifiers, and the kind of identifier in each."""


def compare(settings: Settings, ds: str, report: Mapping[str, Any]) -> dict[str, Any]:
    """Compare the lake of one night, and the sources of a report, with the town's truth.

    Returns:
        identity_precision, identity_recall, identity_f1: over pairs of identifiers that are one person, among the
            identifiers of the truth; an identifier that the lake does not have is a person of its own.
        interest_recall@3: mean share of the three planted interests among the three heaviest of the profile, over the
            people whose profile has any interest. A person's profile is the one that most of its identifiers got.
        text_interest_recall@3: the same of what posts, searches and answers speak of, hashtags removed, over the people
            who wrote any; None of a night that read no words.
        planted_effects, planted_lift, policies, sent_after_leaving: where the town has lived on; see `messages_of`.
        dirt: what was planted and what the mapping found, source by source, and whether they are equal.

    Raises:
        LakeError: persons or profiles of that day are not published.
    """
    truth = json.loads(truth_file(settings).read_text())
    keys = pseudonym_keys(settings)
    planted = {
        pseudonym(keys, kind, raw): person["person"]
        for person in truth["people"]
        for plural, kind in IDENTIFIERS.items()
        for raw in person[plural]
    }
    persons = rows(settings, "persons", ds, ["identifier", "person_id"], made_by="spark_jobs/main.py resolve")
    profiles = rows(settings, "dim_person_profile", ds, ["person_id", "interests"], made_by="dbt build")
    lived = diaries(settings, until=ds)
    found = dict(zip(persons["identifier"].to_pylist(), persons["person_id"].to_pylist(), strict=True))
    interests = {
        row["person_id"]: [interest["category"] for interest in row["interests"] or ()][:3]
        for row in profiles.to_pylist()
    }
    tastes = {person["person"]: person["interests"] for person in truth["people"]}
    profile_of = main_profiles(planted, found)
    return {
        **identity_scores(planted, found),
        "interest_recall@3": interest_recall(tastes, profile_of, interests),
        "text_interest_recall@3": interest_recall(tastes, profile_of, text_interests(settings, ds)),
        "dirt": dirt(planted_dirt(truth["sources"], lived), report.get("sources", {})),
        **(messages_of(settings, ds, truth, lived) if lived else {}),
    }


def text_interests(settings: Settings, ds: str) -> dict[str, list[str]]:
    """Person -> the three heaviest interests in what they wrote; nobody of a night that read no words."""
    if ds not in Lake(settings.home.lake).days("person_words"):
        return {}
    written = rows(settings, "person_words", ds, ["person_id", "text_interests"], made_by="python -m serving.words")
    return {
        row["person_id"]: [interest["category"] for interest in row["text_interests"] or ()][:3]
        for row in written.to_pylist()
    }


def planted_dirt(laid: Mapping[str, Any], lived: list[Diary]) -> dict[str, Any]:
    """Source -> tally, of the town as it was laid and of the days that it has lived since."""
    total = dict(laid)
    for diary in lived:
        for source, tally in diary.sources.items():
            total[source] = _sum_of(total.get(source, {}), tally)
    return total


def _sum_of(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Figures added up, name by name, at any depth."""
    both: dict[str, Any] = dict(one)
    for name, value in other.items():
        both[name] = _sum_of(one.get(name, {}), value) if isinstance(value, Mapping) else one.get(name, 0) + value
    return both


def messages_of(settings: Settings, ds: str, truth: Mapping[str, Any], lived: list[Diary]) -> dict[str, Any]:
    """What the town's messages were and changed until a night.

    Returns:
        planted_effects: campaign -> messages by kind, and the visits and euros that they were to change in expectation.
        planted_lift: experiment -> arm -> metric -> what sending changed a person, as `planted_lift` has it.
        policies: campaign -> what ways to choose people would have been worth tonight, as `worth_of_policies` has it.
        sent_after_leaving: messages to people who had unsubscribed before; there should be none.
    """
    parameters = Parameters(**truth["parameters"])
    shop = open_shop(parameters.generator("shop"), parameters.lines)
    people = settle(parameters, shop)
    return {
        "planted_effects": planted_effects(lived),
        "planted_lift": planted_lift(settings, ds, people, lived),
        "policies": worth_of_policies(settings, ds, parameters, shop, people, lived),
        "sent_after_leaving": sum(diary.sent_after_leaving for diary in lived),
    }


def planted_effects(lived: list[Diary]) -> dict[str, dict[str, Any]]:
    """Campaign -> messages, those of each kind, and what all were to change in expectation."""
    found: dict[str, dict[str, Any]] = {}
    for message in (message for diary in lived for message in diary.messages):
        of = found.setdefault(
            message.campaign, {"messages": 0, "kinds": dict.fromkeys(KINDS, 0), "visits": 0, "euros": 0}
        )
        of["messages"] += 1
        of["kinds"][message.kind] += 1
        of["visits"] += message.visits
        of["euros"] += message.euros
    return {
        name: {**of, "visits": round(of["visits"], 1), "euros": round(of["euros"], 2)}
        for name, of in sorted(found.items())
    }


def identity_scores(planted: Mapping[str, int], found: Mapping[str, str]) -> dict[str, float]:
    """Pairwise precision, recall and F1 of `found` (identifier -> person id); `planted` is identifier -> person."""
    both = [(person, found.get(identifier, identifier)) for identifier, person in planted.items()]
    true_pairs = _pairs(Counter(person for person, _ in both).values())
    found_pairs = _pairs(Counter(person_id for _, person_id in both).values())
    right_pairs = _pairs(Counter(both).values())
    precision = right_pairs / found_pairs if found_pairs else 1.0
    recall = right_pairs / true_pairs if true_pairs else 1.0
    f1 = 2 * precision * recall / (precision + recall) if right_pairs else 0.0
    return {
        "identity_f1": round(f1, 4),
        "identity_precision": round(precision, 4),
        "identity_recall": round(recall, 4),
    }


def main_profiles(planted: Mapping[str, int], found: Mapping[str, str]) -> dict[int, str]:
    """Person -> the person id that most of its identifiers got; the first in the alphabet where two are even."""
    votes: dict[int, Counter[str]] = {}
    for identifier, person in planted.items():
        if identifier in found:
            votes.setdefault(person, Counter())[found[identifier]] += 1
    return {person: min(ids, key=lambda id_: (-ids[id_], id_)) for person, ids in votes.items()}


def interest_recall(
    planted: Mapping[int, list[str]], profile_of: Mapping[int, str], interests: Mapping[str, list[str]]
) -> float | None:
    """Mean recall of the three planted interests; None where no person has a profile with interests."""
    shares = [
        len(set(tastes) & set(interests[profile_of[person]])) / len(tastes)
        for person, tastes in planted.items()
        if interests.get(profile_of.get(person, ""))
    ]
    return round(sum(shares) / len(shares), 4) if shares else None


def dirt(planted: Mapping[str, Any], reported: Mapping[str, Any]) -> dict[str, Any]:
    """Both sides without their zeros; of `noted`, only what was planted, for a mapping may note more than dirt."""
    expected = {source: _without_zeros(tally) for source, tally in planted.items()}
    found = {}
    for source, tally in expected.items():
        counted = _without_zeros({name: reported.get(source, {}).get(name) for name in planted[source]})
        noted = {rule: rows for rule, rows in counted.pop("noted", {}).items() if rule in tally.get("noted", {})}
        found[source] = {**counted, "noted": noted} if noted else counted
    return {"planted": expected, "found": found, "equal": expected == found}


def books(settings: Settings, ds: str) -> dict[str, Any]:
    """The sources' entries as a report has them, over all days up to `ds`, from the lake's reconciliation."""
    counts: dict[str, list[tuple[str | None, str, str | None, int]]] = {}
    columns = ["source", "unit", "outcome", "rule", "rows"]
    for day in Lake(settings.home.lake).days("reconciliation", until=ds):
        for row in rows(settings, "reconciliation", day, columns, made_by="map").to_pylist():
            counts.setdefault(row["source"], []).append((row.get("unit"), row["outcome"], row["rule"], row["rows"]))
    return {source: source_entry(of_source) for source, of_source in counts.items()}


def _without_zeros(tally: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: _without_zeros(value) if isinstance(value, Mapping) else value for name, value in tally.items()}
    return {name: value for name, value in plain.items() if value}


def _pairs(sizes: Iterable[int]) -> int:
    """How many pairs there are within groups of these sizes."""
    return sum(size * (size - 1) // 2 for size in sizes)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m sample_data.truth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Run it after the night's map, resolve and profile steps; it adds `truth` to the night's report.",
    )
    parser.add_argument("--ds", required=True, help="the night to judge, YYYY-MM-DD")
    ds = parser.parse_args().ds
    settings = Settings.from_env()
    if not truth_file(settings).exists():
        print("no simulated town here: nothing to compare")
        return
    report = Report(settings.home.reports, ds)
    truth = compare(settings, ds, {"sources": books(settings, ds)})
    report.write("truth", {"truth": truth})
    print(json.dumps(truth, indent=2))


if __name__ == "__main__":
    exit_with_sentence(main)
