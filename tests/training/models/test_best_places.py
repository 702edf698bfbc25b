"""The places of the best scores, by groups of items, are those of a whole sort."""

from __future__ import annotations

import numpy as np
import pytest

from training.models.next_item import pyfunc as next_item
from training.models.taste_autoencoder import pyfunc as taste_autoencoder


@pytest.mark.parametrize("served", [next_item, taste_autoencoder])
@pytest.mark.parametrize(
    ("rows", "items", "k"), [(3, 5_000, 10), (3, 4_999, 40), (2, 129, 1), (2, 90, 90), (0, 700, 3)]
)
def test_they_are_those_of_a_sort_also_where_scores_are_equal(served, rows, items, k):
    draw = np.random.default_rng(items)
    for scores in (draw.standard_normal((rows, items)), draw.integers(0, 4, (rows, items))):
        scores = scores.astype("float32")
        expected = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        assert np.array_equal(served.best_places(scores, k), expected)


@pytest.mark.parametrize("served", [next_item, taste_autoencoder])
def test_items_that_stand_together_and_all_score_high_are_found_in_order(served):
    scores = np.linspace(1, 0, 5_000, dtype="float32")[None].repeat(2, axis=0)
    scores[1, :3_000] = 2.0
    best = served.best_places(scores, 40)
    assert best.tolist() == [list(range(40)), list(range(40))]


def test_what_may_not_be_shown_is_no_place_twice_while_others_can():
    scores = np.full((1, 1_000), -np.inf, "float32")
    scores[0, [7, 900, 999]] = [1, 3, 2]
    best = next_item.best_places(scores, 3)
    assert best.tolist() == [[900, 999, 7]]
