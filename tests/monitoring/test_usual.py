"""Whether tonight is unusual: weekends, trends and steady noise are not; a doubling is."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.watching.usual import ALPHA, compare, holm

DAYS = np.arange(29) % 7  # the last one is a Monday (0)


def weekend(days: np.ndarray) -> np.ndarray:
    return np.where(days >= 5, 1.6, 1.0)


def steady(level: np.ndarray | float, seed: int = 1) -> np.ndarray:
    """Logarithms of counts with a twentieth more or less."""
    return np.log(1000 * level * np.exp(np.random.default_rng(seed).normal(0, 0.05, len(DAYS))))


def test_too_few_nights_say_nothing():
    assert compare(np.ones(7), np.zeros(7), noise=0.1) is None
    assert compare(np.ones(8), np.zeros(8), noise=0.1).chance == 1


@pytest.mark.parametrize("shift", range(7))
def test_a_weekend_is_no_news_and_neither_is_the_day_after(shift):
    days = (DAYS + shift) % 7
    assert compare(steady(weekend(days)), days, noise=0.01).chance > ALPHA


def test_steady_figures_are_improbable_as_rarely_as_it_says():
    chances = [compare(steady(weekend(DAYS), seed), DAYS, noise=0.01).chance for seed in range(2000)]
    assert np.mean(np.array(chances) < 0.01) < 0.015
    assert np.mean(np.array(chances) < ALPHA) < 0.003


def test_a_trend_is_no_news():
    assert compare(steady(1.03 ** np.arange(29)), DAYS, noise=0.01).chance > ALPHA


@pytest.mark.parametrize("factor", [2.0, 0.5])
def test_twice_or_half_as_much_is_improbable_also_where_weekends_are_higher(factor):
    values = steady(weekend(DAYS))
    values[-1] += np.log(factor)
    found = compare(values, DAYS, noise=0.01)
    assert found.chance < ALPHA / 20
    assert found.higher == (factor > 1)


def test_no_figure_is_steadier_than_chance_allows():
    values = np.append(np.zeros(28), 0.1)
    assert compare(values, DAYS, noise=1e-6).chance < 1e-9
    assert compare(values, DAYS, noise=0.1).chance > 0.3  # one deviation


def test_chances_are_corrected_for_how_many_there_are():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])  # 3 x 0.01, 2 x 0.03, and no less than before
    assert holm([]) == []
