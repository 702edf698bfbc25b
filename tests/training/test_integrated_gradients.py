import keras
import numpy as np
import pytest
from keras import ops

from training.integrated_gradients import completeness, integrated_gradients, mean_shares
from training.models.next_item.attributions import STEPS, history_path
from training.models.next_item.network import NextItemConfig, build


def test_a_linear_score_is_explained_by_its_weights():
    weights = np.array([2.0, -1.0, 0.0], "float32")
    x = np.array([[1.0, 1.0, 5.0], [0.0, 3.0, 1.0]], "float32")
    moved = integrated_gradients(lambda z: ops.sum(z * weights, axis=1), x, np.zeros((1, 3), "float32"))
    np.testing.assert_allclose(moved, x * weights, rtol=1e-5)


def test_a_polynomial_by_hand():
    # x0^2 * x1 from (0, 0) to (1, 2): the path integrals are 2 * 2 * t^2 and 1 * t^2 * 2, so 4/3 and 2/3
    moved = integrated_gradients(
        lambda z: z[:, 0] ** 2 * z[:, 1], np.array([[1.0, 2.0]], "float32"), np.zeros((1, 2), "float32"), steps=4
    )
    np.testing.assert_allclose(moved, [[4 / 3, 2 / 3]], rtol=1e-5)


def test_a_net_is_explained_completely():
    keras.utils.set_random_seed(2)
    net = keras.Sequential([keras.Input((6,)), keras.layers.Dense(16, activation="gelu"), keras.layers.Dense(1)])
    x = np.random.default_rng(1).normal(size=(8, 6)).astype("float32")
    baseline = x.mean(axis=0, keepdims=True)

    def score(z):
        return net(z)[:, 0]

    moved = integrated_gradients(score, x, baseline)
    assert completeness(score, x, baseline, moved).max() < 0.01


@pytest.mark.parametrize("backbone", ["gru", "attention"])
def test_a_history_is_explained_completely_and_padding_moves_nothing(backbone):
    ranker = build(NextItemConfig(backbone=backbone, dimensions=8, initial_scale=0.5), np.arange(1, 21)).ranker()
    histories = np.array([[3, 5, 9, 0], [7, 1, 0, 0]], "int32")
    before = np.asarray(ranker(histories))
    path = history_path(ranker, (histories,), np.array([4, 2]))
    np.testing.assert_allclose(path.score(path.vectors), before[[0, 1], [4, 2]], atol=1e-5)
    attributions = integrated_gradients(*path, steps=STEPS)
    assert completeness(*path, attributions).max() < 0.01
    moved = attributions.sum(axis=-1)
    assert (moved[histories == 0] == 0).all()
    assert (moved[[0, 1], [2, 1]] != 0).all()  # the latest item of each
    np.testing.assert_array_equal(np.asarray(ranker(histories)), before)


def test_shares_add_up_to_one_largest_first():
    shares = mean_shares({"age": np.array([-3.0, 1.0]), "visits": np.array([6.0, 0.0]), "none": np.zeros(2)})
    assert list(shares.items()) == [("visits", 0.6), ("age", 0.4), ("none", 0.0)]
