"""Planted lift by hand: the world as it was against the same without a campaign's messages."""

from __future__ import annotations

import pytest

from sample_data.responses.diary import Diary, MessageOfDay, VisitOfDay
from sample_data.responses.planted_lift import Assigned, lift_of
from sample_data.truth import planted_dirt, planted_effects

LETTER = "letter"


def diary(ds: str, visits: list[tuple], messages: list[tuple] = (), sources: dict | None = None) -> Diary:
    return Diary(
        ds=ds,
        plan=None,
        visits=[VisitOfDay(*visit) for visit in visits],
        messages=[MessageOfDay(*message) for message in messages],
        sources=sources or {},
        held_up=[],
        last_items={},
    )


DAYS = [
    diary("2026-11-19", [(1, 99.0, None, None)]),  # before person 1 was drawn
    diary(
        "2026-11-20",
        [
            (1, 30.0, LETTER, None),  # brought by the letter
            (2, 10.0, None, LETTER),  # kept away by it
            (3, 5.0, None, None),  # would have come anyway
            (4, 7.0, None, "other"),  # kept away by another campaign, with the letter and without
        ],
        [(2, LETTER, True, True, "harmful", -0.1, -2.0), (3, "other", True, True, "useless", 0.0, 0.0)],
    ),
    diary(
        "2026-11-21",
        [(3, 20.0, LETTER, None), (2, 0.0, None, None)],
        [(1, LETTER, True, False, "helpful", 0.22, 4.4)],
    ),
]
PEOPLE = [Assigned(number, "2026-11-19") for number in (1, 2, 3, 4)] + [Assigned(None, "2026-11-19")]


def test_what_would_have_been_is_taken_from_what_was():
    lift = lift_of(LETTER, PEOPLE, DAYS)
    # who came: 1, 2, 3 against 2, 3; who bought: 1, 3 against 2, 3; 30 + 25 euros against 10 + 5; 2 left
    assert lift == {"visit": 1 / 5, "purchase": 0.0, "euros": pytest.approx(40 / 5), "unsubscribe": 1 / 5}


def test_a_campaign_that_sent_nothing_changed_nothing():
    assert set(lift_of("silent", PEOPLE, DAYS).values()) == {0.0}
    assert lift_of(LETTER, [], DAYS) == {}


def test_effects_of_the_messages_that_were_sent():
    assert planted_effects(DAYS)[LETTER] == {
        "messages": 2,
        "kinds": {"helpful": 1, "useless": 0, "harmful": 1},
        "visits": pytest.approx(0.1),
        "euros": pytest.approx(2.4),
    }


def test_dirt_of_later_days_comes_to_that_of_the_town():
    laid = {"apache_combined": {"read": 10, "mapped": 9, "quarantined_reasons": {"malformed": 1}}}
    day = {
        "apache_combined": {"read": 5, "mapped": 3, "quarantined_reasons": {"malformed": 1, "clock_skew": 1}},
        "esp_events": {"read": 2, "mapped": 2},
    }
    assert planted_dirt(laid, [diary("2026-11-20", [], sources=day)]) == {
        "apache_combined": {"read": 15, "mapped": 12, "quarantined_reasons": {"malformed": 2, "clock_skew": 1}},
        "esp_events": {"read": 2, "mapped": 2},
    }
