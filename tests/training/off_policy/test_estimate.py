"""Estimates of a simulated log of lists, of which the value of every ranking is known."""

from __future__ import annotations

import numpy as np
import pytest

from training.off_policy.estimate import ESTIMATES, choose, would_have_earned
from training.off_policy.logged_lists import LoggedLists

LIKED = np.array([0.10, 0.20, 0.05, 0.30, 0.15])
"""The chance of an act on each item of the pool, which the log ranks as it comes."""

PLACES, SHARE = 2, 0.4


def chances(order: np.ndarray, left: list[int], share: float = SHARE) -> dict[int, float]:
    """The chance of each item that is left, where the best stands by `order`."""
    best = max(left, key=lambda item: order[item])
    return {item: share / len(left) + (1 - share) * (item == best) for item in left}


def value(order: np.ndarray) -> float:
    """Acts a place of a ranking, given places before as the log fills them: every list, one after the other."""
    logged = -np.arange(5)
    first = chances(logged, [*range(5)])
    total = sum(chance * LIKED[item] for item, chance in chances(order, [*range(5)]).items())
    for item, chance in first.items():
        left = [other for other in range(5) if other != item]
        total += chance * sum(likely * LIKED[other] for other, likely in chances(order, left).items())
    return total / PLACES


def simulated(random: np.random.Generator, people: int, nights: int = 3, share: float = SHARE) -> LoggedLists:
    """Lists of people of whom every second does nothing at all, and the others twice as much."""
    lists = people * nights
    left, shown = np.ones((lists, 5), bool), np.full((lists, PLACES), -1)
    propensities = np.zeros((lists, PLACES))
    for place in range(PLACES):
        best = left.argmax(1)
        drawn = (random.random((lists, 5)) * left).argmax(1)
        shown[:, place] = np.where(random.random(lists) < share, drawn, best)
        propensities[:, place] = share / left.sum(1) + (1 - share) * (shown[:, place] == best)
        left[np.arange(lists), shown[:, place]] = False
    active = np.repeat(random.permutation(people) % 2 == 0, nights)
    return LoggedLists(
        people=np.repeat([f"p{number:05}" for number in range(people)], nights),
        nights=np.tile(np.datetime64("2026-11-10") + np.arange(nights), people),
        campaigns=np.full(lists, "front_page"),
        pool=np.tile(np.array(list("abcde"), object), (lists, 1)),
        shown=shown,
        propensities=propensities,
        earned=(random.random((lists, PLACES)) < 2 * LIKED[shown] * active[:, None]).astype(float),
        counts=np.ones((lists, PLACES), bool),
        planned_for_shown=True,
    )


def test_the_known_value_of_another_ranking_is_in_the_intervals():
    random = np.random.default_rng(3)
    inside, logged = {name: [] for name in ESTIMATES}, []
    truth, truth_of_log = value(LIKED), value(-np.arange(5))
    assert truth > 1.2 * truth_of_log
    for _ in range(100):
        log = simulated(random, 300)
        found = would_have_earned(log, np.tile(LIKED, (len(log), 1)), smallest_group=20)
        assert not found.reason
        for name in ESTIMATES:
            one = getattr(found.found, name)
            inside[name].append((one.low <= truth <= one.high, one.value))
        logged.append(found.logged.low <= truth_of_log <= found.logged.high)
    for name in ESTIMATES:
        held, values = np.array(inside[name]).T
        assert held.mean() >= 0.92, name
        assert values.mean() == pytest.approx(truth, abs=4 * values.std() / 10), name
    assert np.mean(logged) >= 0.92


def test_the_ranking_of_the_log_itself_earns_what_was_earned():
    log = simulated(np.random.default_rng(4), 200)
    places = choose(log, np.tile(-np.arange(5.0), (len(log), 1)))
    assert places.target_of_shown == pytest.approx(places.logged)
    assert places.target.sum(1) == pytest.approx(1.0)
    nothing_known = choose(log, np.full((len(log), 5), -np.inf))
    assert nothing_known.target == pytest.approx(places.target), "who knows no item leaves them as they are"


def test_chances_follow_from_what_stood_in_the_places_before():
    log = simulated(np.random.default_rng(6), 60)
    places = choose(log, np.tile(LIKED, (len(log), 1)))
    for row in range(len(log), 2 * len(log)):  # those of the second place
        first = log.shown[row - len(log), 0]
        left = [item for item in range(5) if item != first]
        expected = chances(LIKED, left)
        assert places.target[row] == pytest.approx([expected.get(item, 0.0) for item in range(5)])


def test_places_that_were_not_shown_do_not_count():
    log = simulated(np.random.default_rng(7), 60)
    log.counts[:, 1] = False
    assert len(choose(log, np.tile(LIKED, (len(log), 1))).earned) == len(log)
    log.counts[:] = False
    found = would_have_earned(log, np.tile(LIKED, (len(log), 1)), smallest_group=20)
    assert found.words == "campaigns explored, but none of their places is known to have been shown"
    assert found.figures == {}


def test_too_little_overlap_and_too_few_people_are_said():
    log = simulated(np.random.default_rng(8), 100, share=0.02)
    found = would_have_earned(log, np.tile(np.arange(5.0), (len(log), 1)), smallest_group=20)
    assert "600 places are worth" in found.reason
    assert "too little overlap" in found.words
    assert set(found.figures) >= {"off_policy_places", "off_policy_effective_places", "off_policy_logged"}
    assert "off_policy_ips" not in found.figures
    few = would_have_earned(log, np.tile(np.arange(5.0), (len(log), 1)), smallest_group=101)
    assert "fewer than 101 people" in few.words
    assert "no campaign explored" in would_have_earned(None, None, smallest_group=20).words


def test_words_and_figures_say_the_same():
    log = simulated(np.random.default_rng(9), 500)
    found = would_have_earned(log, np.tile(LIKED, (len(log), 1)), smallest_group=20)
    figures = found.figures
    assert f"{figures['off_policy_doubly_robust']:.4f}" in found.words
    assert "3,000 places of front_page in 3 nights" in found.words
    assert "planned is taken for shown" in found.words
    assert figures["off_policy_ips_low"] < figures["off_policy_ips"] < figures["off_policy_ips_high"]
    assert found.report["ips"] == figures["off_policy_ips"]
