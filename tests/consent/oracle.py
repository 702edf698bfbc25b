"""Who may stand in which output of the night, computed in plain Python from the raw decisions of the towns alone."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from contracts.tables.vocabulary import PURPOSES
from tests.consent.towns import DAYS, Towns, at

ANY = ("profiling",), ("training",), ("personalisation",)
PROFILED, LEARNED, SCORED = ANY
MAY_STAND_IN = {
    "dim_person_profile": [PROFILED],
    "history_person_profile": [PROFILED],
    "training_pictures": [PROFILED],
    "training_sounds": [PROFILED],
    "person_words": [PROFILED],
    "fct_interactions": list(ANY),
    "fct_sends": list(ANY),
    "dim_person_suppression": [SCORED],
    "training_sequences": [LEARNED],
    "training_responses": [LEARNED],
    "scoring_sequences": [SCORED],
    "scoring_responses": [SCORED],
    "scores": [SCORED],
    "responses": [SCORED],
    "predictions": [SCORED],
    "assignments": [SCORED],
    "eligible": [SCORED],
    "plans": [SCORED],
}
"""Table -> sets of purposes; who agrees to all of one set may stand in it."""

EXPORTED = {
    "letters": ("personalisation", "marketing_contact"),
    "front_page": SCORED,
    "chosen_letters": ("personalisation", "marketing_contact", "profiling"),
    "chosen_page": ("personalisation", "profiling"),
}
"""Campaign -> the purposes that its audience has agreed to, all of them."""


def agreed(towns: Towns, ds: str) -> dict[str, set[str]]:
    """Purpose -> the people who agree to it, by what is known on a night, decision by decision."""
    end = at(ds) + datetime.timedelta(days=1)
    latest: dict[tuple[str, str], tuple[datetime.datetime, bool]] = {}
    for (table, arrived), rows in towns.rows.items():
        for row in rows if table == "consents" and arrived <= ds else ():
            if row["occurred_at"] >= end or row["identifier"] not in towns.persons[ds]:
                continue
            key = towns.persons[ds][row["identifier"]], row["purpose"]
            moment, granted = row["occurred_at"], row["granted"]
            if key not in latest or moment > latest[key][0]:
                latest[key] = moment, granted
            elif moment == latest[key][0]:
                latest[key] = moment, granted and latest[key][1]
    return {
        purpose: {person for (person, of), (_, granted) in latest.items() if of == purpose and granted}
        for purpose in PURPOSES
    }


def allowed_in_table(towns: Towns, table: str, ds: str) -> set[str]:
    """The people who may stand in a table of a night."""
    now = agreed(towns, ds)
    return set().union(*(_agree_to_all(now, purposes) for purposes in MAY_STAND_IN[table]))


def allowed_in_audience(towns: Towns, campaign: str, ds: str, known: str) -> set[str]:
    """The people who may stand in an audience of day `ds` that is made when the decisions until `known` are mapped.

    Whoever withdrew since must be out under each of their names: a person of that day is allowed who agreed then, and
    of whose identifiers each belongs to a person who agrees now, or who has decided nothing.
    """
    purposes = EXPORTED[campaign]
    allowed = _agree_to_all(agreed(towns, ds), purposes)
    for purpose in purposes if known != ds else ():
        allowed -= _withdrawn(towns, purpose, ds, known)
    return allowed


def _withdrawn(towns: Towns, purpose: str, ds: str, known: str) -> set[str]:
    """People of a day with an identifier whose owner now refuses a purpose: decided on it, and does not agree."""
    now, agreeing = towns.persons[known], agreed(towns, known)[purpose]
    deciders = {
        now[row["identifier"]]
        for (table, arrived), rows in towns.rows.items()
        for row in rows
        if table == "consents" and arrived in DAYS and arrived <= known and row["purpose"] == purpose
    }
    return {person for identifier, person in towns.persons[ds].items() if now[identifier] in deciders - agreeing}


def _agree_to_all(people: Mapping[str, set[str]], purposes: tuple[str, ...]) -> set[str]:
    return set.intersection(*(people[purpose] for purpose in purposes))
