"""The step of DP-SGD: per-person gradients, clipping and noise, against loops over single people."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from contracts.errors import ModelError
from training.models.response import network as response
from training.models.response.batches import people_batches
from training.models.taste_autoencoder import network as taste_autoencoder
from training.privacy.accounting import Privacy, Spending
from training.privacy.dp_sgd import Recorded, clipped_sum

QUIET = Spending(3.0, 1e-5, 0.0, 0.5, 10, 1.0, 0.0, 20)
"""No noise; ten people are expected in a step."""

ROWS_OF_PEOPLE = [3, 1, 5, 2]
RANDOM = np.random.default_rng(0)
COUNT = sum(ROWS_OF_PEOPLE)
NUMBERS = RANDOM.standard_normal((COUNT, 4)).astype("float32") * 3
CODES = np.stack([RANDOM.integers(0, 3, COUNT), 3 + RANDOM.integers(0, 2, COUNT)], axis=1).astype("int32")
LABELS = RANDOM.choice([0.0, 1.0, -1.0], (COUNT, 2)).astype("float32")
OWNERS = np.repeat(np.arange(4), ROWS_OF_PEOPLE)


def net(spent=QUIET, clip=0.5, **more):
    config = response.ResponseConfig(
        dropout=0.0, interaction_penalty=0.0, embedding_dimensions=3, privacy=Privacy(3.0, clip=clip), **more
    )
    built = response.build(config, numbers=4, codes=5, unknown_codes=[0, 3], positive_shares=[0.3, 0.3], spent=spent)
    for weight in built.trainable_variables:  # cross layers begin at zeros
        weight.assign(np.random.default_rng(1).normal(0, 0.5, weight.shape))
    return built


def everyone():
    """One step in which all four people are drawn, each with all rows."""
    config = response.ResponseConfig(epochs=1, hidden_share=0.0)
    spent = dataclasses.replace(QUIET, sampling_rate=1.0, steps=1, people=4)
    [batch] = people_batches(NUMBERS, CODES, LABELS, OWNERS, np.array([0, 3], "int32"), config, spent)
    return batch


def gradients_one_by_one(model):
    """The gradient of each person's mean loss, each by a tape of its own."""
    answers = []
    for person in range(4):
        mine = person == OWNERS
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model.example_losses(LABELS[mine], model([NUMBERS[mine], CODES[mine]])))
        answers.append([tf.convert_to_tensor(one) for one in tape.gradient(loss, model.trainable_variables)])
    return answers


@pytest.mark.parametrize("more", [{}, {"cross_rank": 2}, {"structure": "stacked"}, {"loss": "focal"}])
def test_the_clipped_sum_of_people_with_several_rows_is_that_of_a_loop(more):
    model, data = net(**more), everyone()
    with tf.GradientTape() as tape:
        losses, owned = model.recorded_losses(data, model.nets)
    sums, norms = clipped_sum(tape, losses, model.nets, owned, 0.5)
    expected = [np.zeros(one.shape) for one in model.trainable_variables]
    for person, each in enumerate(gradients_one_by_one(model)):
        norm = float(tf.linalg.global_norm(each))
        assert float(norms[person]) == pytest.approx(norm, rel=1e-4)
        for total, one in zip(expected, each, strict=True):
            total += np.asarray(one) * min(1.0, 0.5 / norm)
    for variable, total in zip(model.trainable_variables, expected, strict=True):
        np.testing.assert_allclose(sums[id(variable)], total, atol=1e-5)


@pytest.mark.parametrize(
    "more", [{"kind": "dae", "likelihood": "gaussian", "hidden": 0}, {"kind": "dae", "visible_weight": 0.3}, {}]
)
def test_the_clipped_sum_of_baskets_is_that_of_a_loop(more):
    config = taste_autoencoder.TasteAutoencoderConfig(
        **{"latent": 3, "hidden": 4, "dropout": 0.0, "kind": "vae", **more}, privacy=Privacy(3.0)
    )
    model = taste_autoencoder.build(config, np.full(6, 2.0), spent=QUIET)
    rows = (np.random.default_rng(2).random((5, 6)) < 0.5).astype("float32")
    drawn_from = np.array(model.random.state)

    def losses_of(some, nets):
        model.random.state.assign(drawn_from)
        return model.person_losses(some, model.denoised(some, *nets, training=True))

    with tf.GradientTape() as tape:
        losses = losses_of(rows, model.nets)
    sums, _ = clipped_sum(tape, losses, model.nets, None, 0.4)
    model.steps.assign(0.0)
    with tf.GradientTape(persistent=True) as tape:
        losses = losses_of(rows, (model.encoder, model.decoder))
        each_loss = [losses[person] for person in range(5)]
    expected = [np.zeros(one.shape) for one in model.trainable_variables]
    for one_loss in each_loss:
        each = tape.gradient(one_loss, model.trainable_variables)
        share = min(1.0, 0.4 / float(tf.linalg.global_norm(each)))
        for total, one in zip(expected, each, strict=True):
            total += np.asarray(one) * share
    for variable, total in zip(model.trainable_variables, expected, strict=True):
        np.testing.assert_allclose(sums[id(variable)], total, atol=1e-5)


def test_one_person_with_many_wild_rows_moves_the_sum_by_no_more_than_the_clip():
    model = net(clip=0.5)
    count = 60
    wild = np.random.default_rng(3).standard_normal((count, 4)).astype("float32") * 1e4
    data = (
        (wild, np.tile(CODES[:1], (count, 1))),
        (
            np.ones((count, 2), "float32"),
            tf.constant(np.arange(count, dtype="int32")[None, :]),
        ),
    )
    with tf.GradientTape() as tape:
        losses, owned = model.recorded_losses(data, model.nets)
    sums, norms = clipped_sum(tape, losses, model.nets, owned, 0.5)
    assert float(norms[0]) > 100
    assert float(tf.linalg.global_norm(list(sums.values()))) <= 0.5 * (1 + 1e-5)


def test_the_noise_of_a_step_has_the_configured_deviation_and_never_repeats():
    drawn = noise_of_steps(net(spent=dataclasses.replace(QUIET, noise_multiplier=4.0), clip=0.5), 80)
    everything = np.concatenate(drawn)
    assert len(everything) > 20_000
    assert everything.std() == pytest.approx(4.0 * 0.5 / 10, rel=0.03)  # multiplier x clip / expected people
    assert abs(everything.mean()) < 0.01
    assert not np.allclose(drawn[0], drawn[1])
    # the same seed of the configuration
    again = noise_of_steps(net(spent=dataclasses.replace(QUIET, noise_multiplier=4.0), clip=0.5), 1)
    assert not np.allclose(drawn[0], again[0])


def noise_of_steps(model, steps):
    """What each of some steps without people adds to the gradient, all variables in one vector."""
    model.compile(optimizer=keras.optimizers.SGD(1.0))
    [batch] = no_people()
    step, drawn = tf.function(model.train_step), []
    for _ in range(steps):
        before = weights_of(model)
        step(batch)
        drawn.append(before - weights_of(model))
    return drawn


def weights_of(model):
    return np.concatenate([np.ravel(one) for one in model.trainable_variables])


def no_people():
    """One step in which nobody is drawn."""
    spent = dataclasses.replace(QUIET, sampling_rate=0.0, steps=1)
    config = response.ResponseConfig(epochs=1)
    return people_batches(NUMBERS, CODES, LABELS, OWNERS, np.array([0, 3], "int32"), config, spent)


def test_a_step_without_people_is_a_step_of_noise():
    model = net(spent=dataclasses.replace(QUIET, noise_multiplier=1.0))
    batches = no_people()
    before = [np.array(one) for one in model.trainable_variables]
    assert model.fit(batches, epochs=1, verbose=0).history["loss"] == [0.0]
    changed = zip(before, model.trainable_variables, strict=True)
    assert all((one != np.array(other)).any() for one, other in changed)
    assert all(np.isfinite(np.asarray(one)).all() for one in model.trainable_variables)


def test_a_layer_whose_gradient_is_not_known_is_refused():
    inputs = keras.Input((4,))
    strange = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.BatchNormalization()(inputs)))
    with pytest.raises(ModelError, match="batch_normalization"):
        Recorded(strange)
