"""Off-policy estimates by hand, against an exact interval, and against policies whose value is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from contracts.errors import ModelError
from training.metrics.off_policy import off_policy


def test_three_estimates_by_hand():
    found = off_policy(
        np.array([1.0, 0.0, 1.0, 0.0]),
        np.array([0.5, 0.5, 0.25, 0.25]),
        np.array([0.25, 0.25, 0.5, 0.5]),
        expected_logged=np.array([0.5, 0.5, 0.5, 0.5]),
        expected_target=np.array([0.4, 0.4, 0.4, 0.4]),
    )
    assert found.ips.value == pytest.approx((0.5 + 2.0) / 4)
    assert found.self_normalised.value == pytest.approx(2.5 / 5.0)
    assert found.doubly_robust.value == pytest.approx(0.4 + (0.5 * 0.5 - 0.5 * 0.5 + 2 * 0.5 - 2 * 0.5) / 4)
    assert found.effective_rows == pytest.approx(5.0**2 / 8.5)
    assert found.effective_rewards == pytest.approx(2.5**2 / 4.25)
    assert found.largest_weight == 2.0


def test_a_policy_from_its_own_log_is_the_exact_interval_of_a_rare_count():
    """Garwood's interval of a Poisson count of 30 (1936)."""
    rewards = np.zeros(100_000)
    rewards[:30] = 1.0
    found = off_policy(rewards, np.full(100_000, 0.1), np.full(100_000, 0.1))
    exact = chi2.ppf(0.025, 60) / 2, chi2.ppf(0.975, 62) / 2
    for estimate in (found.ips, found.self_normalised):
        assert estimate.value == pytest.approx(30 / 100_000)
        assert (estimate.low * 100_000, estimate.high * 100_000) == pytest.approx(exact, rel=1e-3)
    assert found.doubly_robust is None
    assert found.too_little == ""


def logged_by(random, chances: np.ndarray, worth: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    shown = random.choice(len(chances), rows, p=chances)
    return shown, (random.random(rows) < worth[shown]) * 1.0


def test_the_known_value_is_inside_and_a_good_model_makes_it_narrower():
    random = np.random.default_rng(1)
    worth = np.linspace(0.0, 0.5, 10)
    log, other = np.full(10, 0.1), np.arange(1, 11) / 55
    inside, widths = np.zeros(3), np.zeros(3)
    for _ in range(200):
        shown, rewards = logged_by(random, log, worth, 2_000)
        expected = {"expected_logged": worth[shown], "expected_target": np.full(2_000, worth @ other)}
        found = off_policy(rewards, log[shown], other[shown], **expected)
        estimates = (found.ips, found.self_normalised, found.doubly_robust)
        inside += [one.low <= worth @ other <= one.high for one in estimates]
        widths += [one.high - one.low for one in estimates]
    assert (inside / 200 >= 0.92).all()
    assert widths[2] < 0.9 * widths[0]


def test_any_model_leaves_the_doubly_robust_estimate_unbiased():
    random = np.random.default_rng(1)
    worth, log, other = np.array([0.1, 0.4]), np.array([0.8, 0.2]), np.array([0.3, 0.7])
    shown, rewards = logged_by(random, log, worth, 200_000)
    wrong = np.array([0.9, 0.0])
    found = off_policy(
        rewards,
        log[shown],
        other[shown],
        expected_logged=wrong[shown],
        expected_target=np.full(len(shown), wrong @ other),
    )
    assert found.doubly_robust.value == pytest.approx(worth @ other, abs=0.01)


@pytest.mark.parametrize(
    ("logged", "target", "sentence"),
    [
        (np.full(1_000, 0.5), np.full(1_000, 0.1), "of what the other policy would show, 80% was never shown"),
        (np.full(1_000, 0.5), np.zeros(1_000), "of what the other policy would show, 100% was never shown"),
        (np.full(1_000, 0.1), np.full(1_000, 0.5), "the weights have a mean of 5 instead of 1"),
        (
            np.r_[np.full(997, 0.997), np.full(3, 0.003)],
            np.r_[np.full(997, 0.4), np.full(3, 0.6)],
            "1000 places are worth 8 under the other policy",
        ),
    ],
)
def test_too_little_overlap_is_said(logged, target, sentence):
    rewards = np.arange(1_000) % 2 * 1.0
    assert sentence in off_policy(rewards, logged, target).too_little


def test_nothing_earned_is_no_certainty():
    found = off_policy(np.zeros(1_000), np.full(1_000, 0.5), np.full(1_000, 0.5))
    assert found.ips.value == found.ips.low == 0.0
    assert found.ips.high == pytest.approx(-np.log(0.025) / 1_000)
    assert "its rewards are worth 0.0" in found.too_little


@pytest.mark.parametrize(
    ("rewards", "logged", "target", "sentence"),
    [
        ([1.0], [0.0], [0.5], "logged that are above 0 and at most 1, but received 0.0 in row 0"),
        ([1.0, -1.0], [0.5, 0.5], [0.5, 0.5], "rewards that are not negative, but received -1.0 in row 1"),
        ([1.0], [0.5], [1.5], "target that are from 0 to 1"),
        ([1.0], [0.5, 0.5], [0.5], "of equal length"),
        ([], [], [], "at least one row"),
    ],
)
def test_what_is_no_log_is_a_sentence(rewards, logged, target, sentence):
    with pytest.raises(ModelError, match=sentence):
        off_policy(np.array(rewards), np.array(logged), np.array(target))


def test_rows_of_one_group_count_as_one_that_repeats():
    random = np.random.default_rng(5)
    rewards, logged = (random.random(400) < 0.3).astype(float), random.uniform(0.2, 0.9, 400)
    once = off_policy(rewards, logged, logged / 2, groups=np.arange(400))
    assert once == off_policy(rewards, logged, logged / 2)
    twice = [np.repeat(one, 2) for one in (rewards, logged, logged / 2)]
    grouped, alone = off_policy(*twice, groups=np.repeat(np.arange(400), 2)), off_policy(*twice)
    assert grouped.ips.value == pytest.approx(once.ips.value)
    width = {name: found.ips.high - found.ips.low for name, found in (("g", grouped), ("o", once), ("a", alone))}
    assert width["g"] == pytest.approx(width["o"], rel=0.02)
    assert width["a"] == pytest.approx(width["o"] / np.sqrt(2), rel=0.02)
