import keras
import numpy as np
import pytest

from training.models.next_item import NextItemConfig, build, log_proposal, sampled_softmax

CONFIG = NextItemConfig(dimensions=16, dropout=0.0, negatives=20, learning_rate=0.03, seed=3)


@pytest.fixture(scope="module")
def overfitted():
    histories = np.array([[first, first + 10, 0] for first in range(1, 11)], "int32")
    targets = np.array([[first + 10, first + 20, 0] for first in range(1, 11)], "int32")
    model = build(CONFIG, np.ones(30))
    model.fit(np.tile(histories, (120, 1)), np.tile(targets, (120, 1)), batch_size=10, verbose=0, shuffle=False)
    return model, histories, targets


def test_overfits_ten_rows(overfitted):
    model, histories, targets = overfitted
    best = np.asarray(model.ranker()(histories)).argmax(axis=1) + 1
    assert best.tolist() == targets[:, 1].tolist()


def test_ignores_padding(overfitted):
    model, histories, _ = overfitted
    ranker = model.ranker()
    longer = np.pad(histories, [(0, 0), (0, 5)])
    np.testing.assert_allclose(ranker(histories), ranker(longer), atol=1e-5)


def test_padded_steps_add_nothing_to_the_loss(overfitted):
    model, histories, targets = overfitted
    losses = []
    for width in (3, 8):
        fresh = build(CONFIG, np.ones(30))
        fresh.set_weights(model.get_weights())
        padding = [(0, 0), (0, width - 3)]
        losses.append(fresh.evaluate(np.pad(histories, padding), np.pad(targets, padding), batch_size=10, verbose=0))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_saves_and_loads_to_the_same_scores_without_our_code(overfitted, tmp_path):
    model, histories, _ = overfitted
    ranker = model.ranker()
    ranker.save(tmp_path / "ranker.keras")
    loaded = keras.saving.load_model(tmp_path / "ranker.keras", safe_mode=True)
    assert {type(layer).__module__.split(".")[0] for layer in loaded.layers} == {"keras"}
    np.testing.assert_allclose(loaded(histories), ranker(histories), atol=1e-6)
    assert loaded(histories).shape == (10, 30)


def test_a_negative_that_is_the_target_does_not_count():
    states = np.array([[[1.0, 0.0]]], "float32")
    vector = np.array([[[2.0, 0.0]]], "float32")
    loss = sampled_softmax(
        states,
        targets=np.array([[5]]),
        target_vectors=vector,
        negatives=np.array([5, 5, 5]),
        negative_vectors=np.repeat(vector[0], 3, axis=0),
        log_expected_count=np.zeros(3, "float32"),
    )
    assert float(loss[0, 0]) == pytest.approx(0.0, abs=1e-6)


def test_loss_by_hand():
    # scores: target 1; negatives 3 - log 2 and 0 - log 4, so log(e + e^3 / 2 + 1 / 4) - 1
    loss = sampled_softmax(
        np.array([[[1.0, 0.0]]], "float32"),
        targets=np.array([[1]]),
        target_vectors=np.array([[[1.0, 0.0]]], "float32"),
        negatives=np.array([2, 3]),
        negative_vectors=np.array([[3.0, 0.0], [0.0, 7.0]], "float32"),
        log_expected_count=np.log(np.array([2.0, 4.0], "float32")),
    )
    assert float(loss[0, 0]) == pytest.approx(1.5658, abs=1e-4)  # log(13.0110) - 1


def test_many_negatives_estimate_the_full_softmax():
    random = np.random.default_rng(0)
    vectors = random.normal(size=(12, 4)).astype("float32")
    state = random.normal(size=4).astype("float32")
    scores = vectors @ state
    full = np.log(np.exp(scores).sum()) - scores[2]

    proposal = log_proposal(np.arange(1, 13), 0.75)
    drawn = random.choice(12, size=200_000, p=np.exp(proposal) / np.exp(proposal).sum())
    loss = sampled_softmax(
        state[None, None],
        targets=np.array([[3]]),
        target_vectors=vectors[2][None, None],
        negatives=drawn + 1,
        negative_vectors=vectors[drawn],
        log_expected_count=proposal[drawn] + np.log(np.float32(len(drawn))),
    )
    assert float(loss[0, 0]) == pytest.approx(float(full), abs=0.02)


def test_draws_follow_popularity_to_the_power():
    # weights 16^0.5 = 4 and 1^0.5 = 1
    np.testing.assert_allclose(np.exp(log_proposal(np.array([16, 1]), 0.5)), [0.8, 0.2], rtol=1e-6)
