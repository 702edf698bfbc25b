"""The town's reaction: what is planted is what comparing people shows, and nothing else differs between two worlds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sample_data.parameters import Parameters
from sample_data.responses.effects import Chances, Crowd
from sample_data.responses.reaction import Messages, react

TOWN = Parameters(people=20_000, days=1, seed=5, last_day="2026-11-18")  # a Wednesday
PEOPLE = TOWN.people
PRICE = 50.0


def crowd(sessions_a_month: float, age: int) -> Crowd:
    return Crowd(np.full(PEOPLE, sessions_a_month), np.ones(PEOPLE), np.full(PEOPLE, age))


def messages(people: np.ndarray, campaign: str = "letter") -> Messages:
    count = len(people)
    return Messages(people, np.full(count, campaign, object), np.full(count, PRICE), np.ones(count, bool))


NONE = messages(np.zeros(0, int))
HALF = messages(np.arange(0, PEOPLE, 2))
FRESH = np.zeros(PEOPLE, int)

KINDS_BY_HAND = {
    # sessions a month, age -> shares of helpful, harmful
    (2.0, 60): (0.75, 0.05),
    (2.0, 20): (0.45, 0.35),
    (20.0, 20): (0.05, 0.40),
}


@pytest.mark.parametrize("habits", KINDS_BY_HAND)
def test_treated_less_untreated_is_what_is_planted(habits):
    helpful, harmful = KINDS_BY_HAND[habits]
    anyway = 1 - math.exp(-habits[0] / 30)
    visits = 0.99 * (helpful * 0.22 - harmful * 0.5 * anyway)  # one address in a hundred is dead
    euros = 0.99 * (helpful * 0.22 * 0.4 * PRICE - harmful * 0.5 * anyway * 19.5)
    reaction = react(TOWN, crowd(*habits), 0, HALF, FRESH)
    outcome = reaction.visits.astype(float)  # (people,)
    outcome[HALF.person] += reaction.comes
    treated, untreated = outcome[::2], outcome[1::2]
    error = math.sqrt(treated.var() / len(treated) + untreated.var() / len(untreated))
    assert abs(treated.mean() - untreated.mean() - visits) < 4 * error
    assert reaction.expected.visits.mean() == pytest.approx(visits, abs=0.01)
    assert reaction.expected.euros.mean() == pytest.approx(euros, abs=0.2)


def test_who_gets_nothing_does_the_same_whatever_others_get():
    people = crowd(8.0, 20)
    with_letters, without = react(TOWN, people, 0, HALF, FRESH), react(TOWN, people, 0, NONE, FRESH)
    assert np.array_equal(with_letters.would_visit, without.would_visit)
    assert np.array_equal(with_letters.visits[1::2], without.visits[1::2])
    assert with_letters.visits[::2].sum() < without.visits[::2].sum()  # some were kept away


def test_the_reaction_depends_on_seed_and_messages_alone():
    first, again = (react(TOWN, crowd(3.0, 50), 0, HALF, FRESH) for _ in range(2))
    backwards = react(TOWN, crowd(3.0, 50), 0, messages(HALF.person[::-1]), FRESH)
    assert np.array_equal(first.comes, again.comes)
    assert np.array_equal(first.comes, backwards.comes[::-1])


def test_the_third_message_of_a_week_tires_nobody_and_the_fifth_does():
    helpful, fits = np.zeros(3, np.int8), np.ones(3, bool)
    chances = Chances.of(helpful, fits, np.array([0, 2, 4]))
    assert chances.comes == pytest.approx([0.22, 0.22, 0.22 * 0.6 * 0.6])
    assert chances.leaves == pytest.approx([0.001, 0.001, 0.001 / 0.36])


def test_a_dead_address_changes_nothing():
    reaction = react(TOWN, crowd(2.0, 20), 0, HALF, FRESH)
    assert reaction.dead.sum() == pytest.approx(100, abs=40)
    for what in (reaction.comes, reaction.leaves, reaction.opens, reaction.machine_opens, reaction.expected.visits):
        assert not what[reaction.dead].any()


def test_effects_differ_between_campaigns_and_stay_from_day_to_day():
    people, letter, other = crowd(2.0, 20), HALF, messages(HALF.person, "other")
    first, later = react(TOWN, people, 0, letter, FRESH), react(TOWN, people, 3, letter, FRESH)
    assert np.array_equal(first.kind, later.kind)
    assert not np.array_equal(first.kind, react(TOWN, people, 0, other, FRESH).kind)
