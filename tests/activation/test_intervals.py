"""Intervals that may be looked at every night, the sample-ratio test and adjustment, against known values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import dirichlet_multinomial, multinomial

from activation.experiments import sample_ratio
from activation.experiments.cuped import adjusted, design
from activation.experiments.intervals import Arms, Plan, multiplier, people_needed

PLAN = Plan(people=10_000, days=30)


def test_the_multiplier_is_the_published_boundary():
    """sqrt(2 (t rho^2 + 1) / (t^2 rho^2) log(sqrt(t rho^2 + 1) / alpha)) of a mean of t values of variance 1."""
    for t in (1_000.0, 300_000.0, 5_000_000.0):
        rho = np.sqrt((-2 * np.log(0.05) + np.log(-2 * np.log(0.05) + 1)) / 300_000)
        published = np.sqrt(2 * (t * rho**2 + 1) / (t**2 * rho**2) * np.log(np.sqrt(t * rho**2 + 1) / 0.05))
        assert multiplier(t, PLAN) / np.sqrt(t) == pytest.approx(published)


def test_known_multipliers():
    """By hand: at the plan r = 7.936, so that the square is 1.126 * (log 8.936 + 5.991)."""
    assert multiplier(300_000, PLAN) == pytest.approx(3.035, abs=0.001)
    assert multiplier(30_000, PLAN) / 1.96 == pytest.approx(1.97, abs=0.01)
    assert multiplier(3_000_000, PLAN) / 1.96 == pytest.approx(1.65, abs=0.01)
    assert multiplier(0, PLAN) == np.inf


def test_a_path_of_chance_rarely_leaves_the_boundary_however_often_one_looks():
    steps = np.random.default_rng(1).normal(size=(2_000, 3_000)).cumsum(1)
    looks = np.arange(1, 3_001)
    left = (np.abs(steps) / np.sqrt(looks) > multiplier(looks, Plan(people=1_000, days=1))).any(1)
    assert left.mean() <= 0.05
    assert (np.abs(steps) / np.sqrt(looks) > 1.96).any(1).mean() > 0.5, "as a test of one look would"


def test_means_variances_and_who_acts():
    values = np.array([[1.0, 0.0], [3.0, 0.0], [0.0, 2.0], [0.0, 6.0], [6.0, 1.0]])
    arms = Arms.of(values, np.array([False, False, True, True, True]), values)
    assert arms.people == (2, 3)
    assert arms.means.tolist() == [[2.0, 0.0], [2.0, 3.0]]
    np.testing.assert_allclose(arms.variances, [[2.0, 0.0], [12.0, 7.0]])
    assert arms.acting.tolist() == [[2.0, 0.0], [1.0, 3.0]]
    assert arms.differences.tolist() == [0.0, -3.0]
    own, together = 2 / 2 + 12 / 3, (2 * 1 + 12 * 2) / 3 * (1 / 2 + 1 / 3)
    assert arms.standard_errors[0] == pytest.approx(np.sqrt(max(own, together)))
    assert not arms.enough.any()


def test_a_small_difference_of_large_numbers_is_not_lost():
    values = 1e9 + np.random.default_rng(1).normal(size=(400, 1))
    arms = Arms.of(values, np.arange(400) % 4 == 0, values)
    assert arms.variances == pytest.approx(np.array([[1.0], [1.0]]), rel=0.3)


def test_nothing_is_said_of_a_handful_of_people_who_act():
    held_out = np.arange(2_000) % 10 == 0
    few = (np.arange(2_000) % 10 == 1) | (held_out & (np.arange(2_000) < 90))
    assert not Arms.of(few[:, None] * 1.0, held_out, few[:, None]).enough[0]
    more = few | (held_out & (np.arange(2_000) < 100))
    assert Arms.of(more[:, None] * 1.0, held_out, more[:, None]).enough[0]


def test_so_many_people_more_would_show_the_difference():
    random = np.random.default_rng(3)
    held_out = random.random(3_000) < 0.1
    values = (random.random((3_000, 1)) < np.where(held_out, 0.10, 0.15)[:, None]) * 1.0
    plan = Plan(people=3_000, days=10)

    def shown(times: int) -> bool:
        arms = Arms.of(np.tile(values, (times, 1)), np.tile(held_out, times), np.tile(values, (times, 1)))
        return bool(np.abs(arms.differences) > multiplier(times * 30_000, plan) * arms.standard_errors)

    needed = people_needed(Arms.of(values, held_out, values), 30_000, plan)[0]
    times = next(times for times in range(1, 60) if shown(times))
    assert times > 1
    assert (times - 2) * 3_000 < needed <= (times - 1) * 3_000 * 1.01
    nothing = Arms.of(np.ones((3_000, 1)), held_out, values)
    assert people_needed(nothing, 30_000, plan)[0] == np.inf


def test_the_evidence_is_the_ratio_of_two_distributions():
    shares = np.array([0.1, 0.5, 0.4])
    for counts in ([100, 500, 400], [130, 480, 390], [0, 3, 1]):
        prior = dirichlet_multinomial.logpmf(counts, 1_000 * shares, sum(counts))
        expected = prior - multinomial.logpmf(counts, sum(counts), shares)
        assert sample_ratio.log_evidence(np.array(counts), shares) == pytest.approx(expected)


def test_arms_in_order_raise_no_alarm_and_a_planted_imbalance_does():
    shares = np.array([0.1, 0.9])
    assert sample_ratio.p_value(sample_ratio.log_evidence(np.array([1_000, 9_000]), shares)) == 1.0
    lost = sample_ratio.p_value(sample_ratio.log_evidence(np.array([850, 9_000]), shares))
    assert lost < sample_ratio.THRESHOLD
    nights = np.random.default_rng(1).multinomial(300, shares, (1_000, 30)).cumsum(1)
    ever = (sample_ratio.p_value(sample_ratio.log_evidence(nights, shares)) < sample_ratio.THRESHOLD).any(1)
    assert ever.sum() <= 3


def test_adjustment_is_the_regression_and_keeps_the_mean():
    random = np.random.default_rng(1)
    before = random.normal(size=(5_000, 2))
    values = (before @ [2.0, -1.0] + random.normal(size=5_000))[:, None]
    after, removed, slopes = adjusted(values, design(before))
    solved, *_ = np.linalg.lstsq(np.c_[before, np.ones(5_000)], values[:, 0], rcond=None)
    np.testing.assert_allclose(after[:, 0] - after.mean(), values[:, 0] - np.c_[before, np.ones(5_000)] @ solved)
    assert after.mean() == pytest.approx(values.mean())
    assert removed[0] == pytest.approx(5 / 6, abs=0.02)  # of variance 4 + 1 + 1
    assert slopes == 2


def test_covariates_that_say_nothing_or_are_missing_do_no_harm():
    random = np.random.default_rng(1)
    acts = random.poisson(2.0, 4_000).astype(float)
    values = (acts + random.normal(size=4_000))[:, None]
    known = np.where(random.random(4_000) < 0.3, np.nan, acts)
    columns = np.stack([known, np.full(4_000, 7.0), np.full(4_000, np.nan), known * 3, np.zeros(4_000)], 1)
    basis = design(columns)
    assert basis.shape[1] == 5  # the acts in three shapes, that they are missing, and the logarithm of their treble
    np.testing.assert_allclose(basis.T @ basis, np.eye(5), atol=1e-8)
    np.testing.assert_allclose(basis.mean(0), 0.0, atol=1e-10)
    _, removed, _ = adjusted(values, basis)
    assert removed[0] == pytest.approx(0.7 * 2 / 3, abs=0.05)
    assert design(np.empty((10, 0))).shape == design(np.full((10, 2), np.nan)).shape == (10, 0)
    assert design(np.empty((0, 2))).shape == (0, 0)


def test_too_few_people_for_so_many_covariates_are_not_adjusted():
    random = np.random.default_rng(1)
    values = random.normal(size=(50, 1))
    after, removed, slopes = adjusted(values, design(random.normal(size=(50, 5))))
    assert (after is values, removed[0], slopes) == (True, 0.0, 0)


def test_what_slopes_take_out_by_chance_is_put_back():
    """Else an interval would be narrower for covariates that are noise."""
    random = np.random.default_rng(1)
    ratios = []
    for _ in range(200):
        values, held_out = random.normal(size=(400, 1)), np.arange(400) % 4 == 0
        after, removed, slopes = adjusted(values, design(random.normal(size=(400, 20))))
        assert removed[0] < 0.1
        ratios.append(Arms.of(after, held_out, values, slopes).variances / Arms.of(values, held_out, values).variances)
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.02)
