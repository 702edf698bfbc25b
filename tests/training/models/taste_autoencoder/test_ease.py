import numpy as np
import pytest
from scipy.sparse import csr_matrix

from contracts.errors import ModelError
from training.models.taste_autoencoder.ease import EASE_ITEMS, fit_ease, too_many_items


def test_weights_of_two_items_by_hand():
    # X'X = [[2, 1], [1, 2]]; with penalty 1 its inverse is [[3, -1], [-1, 3]] / 8, so B = 1/3 off the diagonal
    ease = fit_ease(csr_matrix([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]), 1.0)
    np.testing.assert_allclose(ease.weights, [[0, 1 / 3], [1 / 3, 0]], atol=1e-6)


def test_scores_are_sums_over_the_visible_items():
    ease = fit_ease(csr_matrix([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]), 1.0)
    np.testing.assert_allclose(ease.score(np.array([[1, 0], [1, 2], [0, 0]])), [[0, 1 / 3], [1 / 3, 1 / 3], [0, 0]])


def test_it_solves_the_constrained_ridge_regression():
    # Column by column: ridge regression of an item on all others, which is the paper's problem (1) without its trick.
    rows = (np.random.default_rng(0).random((40, 6)) < 0.4).astype(float)
    ease = fit_ease(csr_matrix(rows), 5.0)
    for item in range(6):
        others = np.delete(rows, item, axis=1)
        ridge = np.linalg.solve(others.T @ others + 5.0 * np.eye(5), others.T @ rows[:, item])
        np.testing.assert_allclose(np.delete(ease.weights[:, item], item), ridge, atol=1e-5)


def test_too_many_items_are_refused_with_the_reason():
    assert too_many_items(EASE_ITEMS) is None
    assert "30,000 x 30,000" in too_many_items(30_000)
    with pytest.raises(ModelError, match="at most 1 items"):
        fit_ease(csr_matrix([[1.0, 1.0]]), 1.0, most_items=1)


def test_a_penalty_of_nothing_is_refused():
    with pytest.raises(ModelError, match=r"a penalty of 0\.0"):
        fit_ease(csr_matrix([[1.0, 1.0]]), 0.0)
