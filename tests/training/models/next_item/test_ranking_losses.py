import keras
import numpy as np
import pytest
import tensorflow as tf

from training.models.next_item.losses import bpr_max, gbce, sampled_softmax, softmax
from training.models.next_item.network import log_proposal


def sigmoid(score):
    return 1 / (1 + np.exp(-score))


def number(loss):
    return float(np.asarray(loss).reshape(-1)[0])


def scores(*values):
    return np.array([values], "float32")


POSITIVE = np.array([1.0], "float32")


UNIT_VECTORS = np.eye(3, dtype="float32")
"""With these the scores of three items are the state itself."""


@pytest.mark.parametrize("items_at_a_time", [3, 2])
def test_softmax_by_hand_whole_and_in_blocks(items_at_a_time):
    # log(e + e^3 + 1) - 1 = log(23.8038) - 1
    loss = softmax(scores(3.0, 1.0, 0.0), UNIT_VECTORS, np.array([1]), POSITIVE, items_at_a_time=items_at_a_time)
    assert number(loss) == pytest.approx(2.1698, abs=1e-4)


@pytest.mark.parametrize("items_at_a_time", [3, 2])
def test_smoothed_softmax_by_hand(items_at_a_time):
    # the target is 1/10 + 7/10 on the positive item, 1/10 on each other: log(23.8038) - (3 + 8 x 1 + 0) / 10
    loss = softmax(
        scores(3.0, 1.0, 0.0), UNIT_VECTORS, np.array([1]), POSITIVE, smoothing=0.3, items_at_a_time=items_at_a_time
    )
    assert number(loss) == pytest.approx(np.log(23.8038) - 1.1, abs=1e-4)


def test_blocks_have_the_gradient_of_the_whole():
    states = keras.random.normal((2, 4, 5), seed=1)
    vectors = keras.Variable(keras.random.normal((11, 5), seed=2))
    index = np.arange(8).reshape(2, 4)

    def gradient(items_at_a_time):
        with tf.GradientTape() as tape:
            positive = keras.ops.sum(states * keras.ops.take(vectors, index, axis=0), axis=-1)
            loss = softmax(states, vectors.value, index, positive, smoothing=0.1, items_at_a_time=items_at_a_time)
        return keras.ops.convert_to_numpy(tf.convert_to_tensor(tape.gradient(loss, vectors.value)))

    np.testing.assert_allclose(gradient(4), gradient(11), atol=1e-5)


def test_sampled_softmax_by_hand():
    # negatives 3 - log 2 and 0 - log 4, so log(e + e^3 / 2 + 1 / 4) - 1 = log(13.0110) - 1
    loss = sampled_softmax(POSITIVE, scores(3.0, 0.0), scores(1, 1), np.log(scores(2.0, 4.0)))
    assert number(loss) == pytest.approx(1.5658, abs=1e-4)


def test_bpr_max_by_hand():
    # weights of negatives 0 and log 3: 1/4 and 3/4
    wins = sigmoid(1.0) / 4 + 3 * sigmoid(1 - np.log(3)) / 4
    squares = 3 * np.log(3) ** 2 / 4
    loss = bpr_max(POSITIVE, scores(0.0, np.log(3)), scores(1, 1), penalty=0.5)
    assert number(loss) == pytest.approx(-np.log(wins) + 0.5 * squares, rel=1e-5)


def test_gbce_by_hand():
    # 2 of 4 other items are sampled, so beta = 1/2 x (t x (1 - 2) + 2) = 1 - t / 2
    plain = -(np.log(sigmoid(1.0)) + np.log(sigmoid(-2.0)) + np.log(sigmoid(0.0))) / 3
    mended = -(0.5 * np.log(sigmoid(1.0)) + np.log(sigmoid(-2.0)) + np.log(sigmoid(0.0))) / 3
    for calibration, expected in ((0.0, plain), (1.0, mended)):
        loss = gbce(POSITIVE, scores(2.0, 0.0), scores(1, 1), items=5, calibration=calibration)
        assert number(loss) == pytest.approx(expected, rel=1e-5)


SAMPLED = {
    "sampled_softmax": lambda positive, negatives, mask: sampled_softmax(
        positive, negatives, mask, np.zeros_like(negatives)
    ),
    "bpr_max": lambda positive, negatives, mask: bpr_max(positive, negatives, mask, penalty=0.0),
    "gbce": lambda positive, negatives, mask: gbce(positive, negatives, mask, items=50, calibration=0.5),
}


@pytest.mark.parametrize("loss", SAMPLED.values(), ids=SAMPLED)
def test_the_loss_falls_as_the_positive_item_rises(loss):
    positive = np.linspace(-5, 5, 11).astype("float32")
    negatives = np.tile(scores(0.5, -1.0, 2.0), (11, 1))
    assert (np.diff(np.asarray(loss(positive, negatives, np.ones_like(negatives)))) < 0).all()


@pytest.mark.parametrize("loss", SAMPLED.values(), ids=SAMPLED)
def test_a_negative_that_is_the_positive_item_does_not_count(loss):
    low, high = (number(loss(POSITIVE, scores(0.5, same), scores(1, 0))) for same in (-3.0, 3.0))
    assert low == pytest.approx(high, rel=1e-6)  # float32: the sums may be rounded differently


@pytest.mark.parametrize("loss", SAMPLED.values(), ids=SAMPLED)
@pytest.mark.parametrize("size", [0.0, 80.0])
def test_extreme_scores_and_draws_of_nothing_else_stay_finite(loss, size):
    for counts in (scores(1, 1), scores(0, 0)):
        assert np.isfinite(number(loss(-size * POSITIVE, scores(size, -size), counts)))


def test_losses_of_half_precision_scores_are_single_precision():
    half = scores(0.5, 2.0).astype("float16")
    for loss in SAMPLED.values():
        assert np.asarray(loss(POSITIVE.astype("float16"), half, scores(1, 1))).dtype == np.float32


def test_many_negatives_estimate_the_full_softmax():
    random = np.random.default_rng(0)
    all_scores = random.normal(size=12).astype("float32")
    full = np.log(np.exp(all_scores).sum()) - all_scores[2]
    proposal = log_proposal(np.arange(1, 13), 0.75)
    drawn = random.choice(12, size=200_000, p=np.exp(proposal) / np.exp(proposal).sum())
    loss = sampled_softmax(
        all_scores[2:3],
        all_scores[None, drawn],
        (drawn != 2).astype("float32")[None],
        proposal[drawn] + np.log(np.float32(len(drawn))),
    )
    assert number(loss) == pytest.approx(float(full), abs=0.02)


def test_draws_follow_popularity_to_the_power():
    # weights 16^0.5 = 4 and 1^0.5 = 1
    np.testing.assert_allclose(np.exp(log_proposal(np.array([16, 1]), 0.5)), [0.8, 0.2], rtol=1e-6)
