"""No person stands in any output without consent: random towns, two nights, against an oracle in plain Python."""

from __future__ import annotations

import datetime

import pytest

from tests.consent.nights import Output, TownNights
from tests.consent.oracle import EXPORTED, MAY_STAND_IN, agreed
from tests.consent.towns import FRIDAY, LONG_BEFORE, THURSDAY, Towns, at, draw_towns

TOWNS = 12


@pytest.fixture(scope="module")
def towns() -> Towns:
    return draw_towns(TOWNS, seed=20261120)


@pytest.fixture(scope="module")
def outputs(towns, tmp_path_factory) -> list[Output]:
    return TownNights(towns, tmp_path_factory.mktemp("towns")).run()


def test_no_person_stands_in_any_output_without_consent(towns, outputs):
    made = {(output.name, output.ds) for output in outputs}
    tables = {(name, ds) for name in MAY_STAND_IN for ds in (THURSDAY, FRIDAY)}
    audiences = {(f"audience {name}", ds) for name in EXPORTED for ds in (THURSDAY, FRIDAY)}
    assert made == tables | audiences | {(f"audience {name}, made later", THURSDAY) for name in EXPORTED}
    found = {(one.name, one.ds): towns.identifiers(one.ds, one.people - one.allowed) for one in outputs}
    assert {name: count for name, count in found.items() if count} == {}


def test_who_agrees_is_there(outputs):
    for output in outputs:
        if output.name in ("scores", "predictions", "audience front_page"):
            assert output.people == output.allowed, output.name
        assert output.name == "responses" or len(output.people) > TOWNS // 3, f"{output.name} proves next to nothing"


def test_people_withdrew_between_the_nights_and_after_the_scores(outputs):
    people = {(output.name, output.ds): output.people for output in outputs}
    for name in ("dim_person_profile", "history_person_profile", "training_sequences", "scores"):
        assert people[name, THURSDAY] - people[name, FRIDAY], name
    assert people["audience letters", THURSDAY] - people["audience letters, made later", THURSDAY]


def test_the_oracle_against_a_case_by_hand():
    drawn = Towns(persons={THURSDAY: {"a": "p1", "b": "p2"}, FRIDAY: {"a": "p1", "b": "p1"}})
    for arrived, identifier, purpose, granted, moment in (
        (LONG_BEFORE, "a", "training", True, "2026-11-01"),
        (FRIDAY, "a", "training", False, "2026-10-01"),  # late, and older
        (THURSDAY, "a", "profiling", True, "2026-11-20"),  # ahead of its time
        (THURSDAY, "b", "personalisation", False, "2026-11-02"),
        (THURSDAY, "a", "personalisation", True, "2026-11-02"),  # at one moment, once they are one
    ):
        row = {"identifier": identifier, "purpose": purpose, "granted": granted, "occurred_at": at(moment)}
        drawn.add("consents", arrived, row)
    none = {purpose: set() for purpose in ("profiling", "training", "personalisation", "marketing_contact")}
    assert agreed(drawn, THURSDAY) == none | {"training": {"p1"}, "personalisation": {"p1"}}
    assert agreed(drawn, FRIDAY) == none | {"training": {"p1"}, "profiling": {"p1"}}
    assert drawn.identifiers(FRIDAY, {"p1"}) == 2


def test_towns_have_all_that_is_awkward(towns):
    consents = [(arrived, row) for (table, arrived), rows in towns.rows.items() if table == "consents" for row in rows]
    assert any(arrived == FRIDAY and row["occurred_at"] < at(THURSDAY) for arrived, row in consents), "late"
    ahead = at(FRIDAY) + datetime.timedelta(days=1)
    assert any(row["occurred_at"] > at(arrived) + datetime.timedelta(days=1) for arrived, row in consents), "ahead"
    assert all(row["occurred_at"] < ahead for _, row in consents)
    decisions = [(row["identifier"], row["purpose"], row["occurred_at"]) for _, row in consents]
    assert len(set(decisions)) < len(decisions), "at one moment"
    before, after = (set(towns.persons[ds].values()) for ds in (THURSDAY, FRIDAY))
    assert before - after, "merged"
