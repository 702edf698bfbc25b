"""Columns become inputs of a net: one scale, marks for null, a code for what was never seen."""

import json

import numpy as np
import pandas as pd
import pytest

from contracts.errors import ModelError
from training.models.response.features import learn_features

ROWS = pd.DataFrame(
    {
        "euros": [0.0, 10.0, 20.0, 30.0, None],
        "visits": [1, 1, 1, 1, 1],
        "city": ["rome", "oslo", "oslo", None, "rome"],
        "device": ["mobile", "mobile", "mobile", "mobile", "tablet"],
    }
)


def learned(**more):
    return learn_features(ROWS, numbers=("euros", "visits"), categories=("city", "device"), **more)


def test_a_standardised_number_is_its_distance_from_the_mean_in_deviations():
    numbers, _ = learned(scaling="standard").encode(ROWS)
    deviation = np.sqrt(125)  # of 0, 10, 20 and 30
    np.testing.assert_allclose(numbers[:4, 0], [-15 / deviation, -5 / deviation, 5 / deviation, 15 / deviation], 1e-5)
    assert numbers.dtype == np.float32


def test_a_number_by_rank_keeps_the_order_and_puts_the_middle_at_zero():
    rows = pd.DataFrame({"euros": [1.0, 10.0, 100.0, 1000.0, 10000.0], "city": ["rome"] * 5})
    space = learn_features(rows, numbers=("euros",), categories=("city",), scaling="quantile")
    scaled = space.encode(rows)[0][:, 0]
    assert (np.diff(scaled) > 0).all()
    assert scaled[2] == pytest.approx(0, abs=1e-6)
    # The quantiles of a normal distribution at 1/10 and 9/10.
    np.testing.assert_allclose(scaled[[0, 4]], [-1.2816, 1.2816], atol=1e-3)


def test_a_null_is_zero_with_a_mark_and_so_is_what_is_no_finite_number():
    rows = pd.DataFrame({"euros": [None, np.inf, -np.inf, "much", 10.0], "visits": [1] * 5})
    numbers, _ = learned().encode(rows)
    np.testing.assert_array_equal(numbers[:4, :2], [[0, 1]] * 4)
    assert numbers[4, 1] == 0
    assert np.isfinite(numbers).all()


def test_a_number_far_outside_stays_within_bounds():
    for scaling in ("standard", "quantile"):
        numbers, _ = learned(scaling=scaling).encode(pd.DataFrame({"euros": [1e30, -1e30]}))
        assert np.abs(numbers).max() <= 5


def test_a_number_that_never_varies_does_not_break():
    for scaling in ("standard", "quantile"):
        assert np.isfinite(learned(scaling=scaling).encode(ROWS)[0]).all()


def test_no_code_stands_for_two_columns():
    _, codes = learned().encode(ROWS)
    # city: 0 unknown to training, 1 oslo, 2 rome, 3 no answer; device: 4 unknown to training, 5 mobile, 6 tablet
    np.testing.assert_array_equal(codes, [[2, 5], [1, 5], [1, 5], [3, 5], [2, 6]])
    assert learned().codes == 7


def test_a_category_that_was_never_seen_or_too_seldom_has_the_unknown_code_of_its_column():
    space = learned(fewest_rows=2)
    _, codes = space.encode(pd.DataFrame({"city": ["bergen", "rome"], "device": ["tablet", "mobile"]}))
    np.testing.assert_array_equal(codes, [[0, 3], [2, 4]])  # the tablet stood in one row
    np.testing.assert_array_equal(space.unknown_codes, [0, 3])


def test_a_column_that_is_not_there_is_a_column_of_nulls():
    numbers, codes = learned().encode(pd.DataFrame({"visits": [1.0]}))
    np.testing.assert_array_equal(numbers[0, :2], [0, 1])
    np.testing.assert_array_equal(codes[0], [3, 4])


def test_slices_say_which_features_are_of_which_column():
    assert learned().slices(8) == {"euros": [0, 2], "visits": [2, 4], "city": [4, 12], "device": [12, 20]}


def test_what_was_learned_is_written_as_json(tmp_path):
    learned().save(tmp_path / "space.json", slopes=[1.0])
    written = json.loads((tmp_path / "space.json").read_text())
    assert written["vocabularies"]["city"] == ["oslo", "rome", "unknown"]
    assert written["slopes"] == [1.0]


def test_a_missing_column_and_an_unknown_scaling_are_refused_in_words():
    with pytest.raises(ModelError, match="received a table without age"):
        learn_features(ROWS, numbers=("age",), categories=("city",))
    with pytest.raises(ModelError, match="one of standard, quantile"):
        learned(scaling="robust")
