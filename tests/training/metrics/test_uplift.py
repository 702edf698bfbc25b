"""Qini curves and policies' values by hand, and against effects that are known."""

from __future__ import annotations

import numpy as np
import pytest

from training.metrics.uplift import (
    Ranking,
    effects,
    over_random,
    policy_contributions,
    qini_contributions,
    qini_curve,
)

SCORES = np.array([4.0, 3.0, 2.0, 1.0])
TREATED = np.array([True, False, True, False])
OUTCOMES = np.array([1.0, 0.0, 0.0, 1.0])


def test_a_curve_by_hand():
    """The best two: one treated who came, one control who did not; in the end one of two came in either arm."""
    curve = qini_curve(SCORES, OUTCOMES, TREATED)
    assert curve.shares.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert curve.gains.tolist() == [0, 0.5, 0.5, 0.5, 0]
    assert curve.coefficient == pytest.approx(0.25 * (0.25 + 0.5 + 0.5 + 0.25))
    backwards = qini_curve(-SCORES, OUTCOMES, TREATED)
    assert backwards.gains.tolist() == [0, 0, -0.5, (0 - 1 * 1 / 2) / 2, 0]
    assert backwards.coefficient == pytest.approx(0.25 * (-0.25 - 0.375 - 0.125))


def test_controls_are_scaled_to_as_many_people():
    """One treated and two controls are first: half an outcome of the controls counts against one of the treated."""
    scores = np.array([1.0, 1.0, 1.0, 0.0])
    curve = qini_curve(scores, np.array([1.0, 1.0, 0.0, 1.0]), np.array([True, False, False, True]))
    assert curve.gains.tolist() == pytest.approx([0, (1 - 1 * 1 / 2) / 2, (2 - 1 * 2 / 2) / 2])
    assert curve.shares.tolist() == [0, 0.75, 1]


def test_equal_scores_are_a_straight_line():
    curve = qini_curve(np.zeros(4), OUTCOMES, TREATED)
    assert curve.shares.tolist() == [0, 1]
    assert curve.coefficient == 0
    assert qini_contributions(np.zeros(4), np.array([2.0, -1.0, 3.0, 4.0])).tolist() == [0, 0, 0, 0]


def test_a_weight_is_so_many_equal_people():
    weights = np.array([2.0, 1.0, 0.0, 3.0])
    repeated = np.repeat(np.arange(4), weights.astype(int))
    expected = qini_curve(SCORES[repeated], OUTCOMES[repeated], TREATED[repeated]).coefficient
    assert Ranking(SCORES, OUTCOMES, TREATED).curve(weights).coefficient == pytest.approx(expected)


def test_contributions_by_hand():
    """Chances of one half: an effect is twice the outcome, less what was expected; places are 3/8, 1/8, -1/8, -3/8."""
    effect = effects(OUTCOMES, TREATED, np.full(4, 0.5), expected=0.5)
    assert effect.tolist() == [1, 1, -1, -1]
    assert qini_contributions(SCORES, effect).tolist() == [3 / 8, 1 / 8, 1 / 8, 3 / 8]
    assert qini_contributions(SCORES, effect).mean() == pytest.approx(0.25)
    unequal = effects(np.array([10.0, 10.0]), np.array([True, False]), np.array([0.8, 0.8]))
    assert unequal.tolist() == pytest.approx([12.5, -50])


def test_a_policy_earns_the_effects_of_those_it_sends_to_less_the_cost():
    effect = np.array([4.0, 1.0, -2.0, 1.0])
    send = np.array([True, True, False, False])
    assert policy_contributions(send, effect, cost=0.5).tolist() == [3.5, 0.5, 0, 0]
    assert over_random(send, effect).mean() == pytest.approx((4 + 1) / 4 - 0.5 * (4 / 4))
    assert over_random(np.ones(4), effect).tolist() == [0, 0, 0, 0]


def test_both_coefficients_find_the_known_one():
    """Effects are uniform between 0 and 1 and known to the score: the gain of the best share s is s - s^2 / 2."""
    random = np.random.default_rng(1)
    effect, treated = random.random(200_000), random.random(200_000) < 0.3
    outcomes = treated * effect + random.normal(0, 0.1, 200_000)
    known = (1 / 2 - 1 / 6) - 1 / 4
    assert qini_curve(effect, outcomes, treated).coefficient == pytest.approx(known, abs=0.003)
    shown = effects(outcomes, treated, np.full(200_000, 0.3), expected=0.35)
    assert qini_contributions(effect, shown).mean() == pytest.approx(known, abs=0.004)
