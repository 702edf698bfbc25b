"""Interests from pictures: weights add up to one, confidence grows with pictures, nothing is ever no number."""

from __future__ import annotations

import numpy as np
import pytest

from serving.scoring.interests import person_interests

CATEGORIES = ["cycling", "music", "pets"]


def test_one_sure_picture_is_all_weight_and_half_confidence():
    assert person_interests(np.array([[0.0, 1.0, 0.0]]), CATEGORIES) == [("music", 1.0, 0.5)]


def test_weights_are_shares_of_the_pictures_and_confidence_grows_with_them():
    interests = person_interests(np.array([[1.0, 0, 0], [1.0, 0, 0], [1.0, 0, 0], [0, 0, 1.0]]), CATEGORIES)
    assert interests == [("cycling", 0.75, 0.75), ("pets", 0.25, 0.5)]


def test_a_doubtful_picture_counts_in_part_and_equals_stand_by_name():
    assert person_interests(np.array([[0.0, 0.5, 0.5]]), CATEGORIES) == [
        ("music", 0.5, pytest.approx(1 / 3)),
        ("pets", 0.5, pytest.approx(1 / 3)),
    ]


def test_what_could_not_be_ruled_out_is_no_interest_however_many_pictures_there_are():
    interests = person_interests(np.tile([0.98, 0.01, 0.01], (100, 1)), CATEGORIES)
    assert [name for name, *_ in interests] == ["cycling"]
    assert interests[0][1] == pytest.approx(1)


def test_among_many_equal_categories_something_is_left():
    interests = person_interests(np.full((2, 40), 1 / 40), [f"c{number:02d}" for number in range(40)])
    assert sum(weight for _, weight, _ in interests) == pytest.approx(1)


@pytest.mark.parametrize(
    "chances", [np.empty((0, 3)), [], np.full((2, 3), np.nan), np.zeros((2, 3))], ids=["0 x 3", "[]", "nan", "zeros"]
)
def test_without_a_picture_that_says_anything_there_are_no_interests(chances):
    assert person_interests(chances, CATEGORIES) == []


def test_a_picture_that_is_no_number_costs_the_others_nothing():
    assert person_interests([[np.nan, 0.5, 0.5], [1.0, 0, 0]], CATEGORIES) == [("cycling", 1.0, 0.5)]
