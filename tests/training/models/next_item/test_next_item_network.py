import dataclasses

import keras
import numpy as np
import pytest

from contracts.errors import ModelError
from training.models.next_item.network import BACKBONES, LOSSES, NextItemConfig, build

CONFIG = NextItemConfig(dimensions=16, max_length=8, dropout=0.0, negatives=20, learning_rate=0.03, seed=3)
SIDES = dataclasses.replace(CONFIG, backbone="attention", time_gap=True, category=True, taste=True)
HISTORIES = np.array([[first, first + 10, 0] for first in range(1, 11)], "int32")
TARGETS = np.array([[first + 10, first + 20, 0] for first in range(1, 11)], "int32")


def made(**changes):
    return build(dataclasses.replace(CONFIG, **changes), np.ones(30))


@pytest.fixture(scope="module", params=BACKBONES)
def model(request):
    model = made(backbone=request.param, blocks=2, heads=2)
    random = np.random.default_rng(0)  # some weights begin as zeros and would hide what they do
    model.set_weights([one + 0.1 * random.standard_normal(one.shape) for one in model.get_weights()])
    return model


# every loss once and each backbone twice: which loss trains which backbone makes no difference to the code
@pytest.mark.parametrize(("backbone", "loss"), zip(BACKBONES * 2, LOSSES, strict=True))
def test_overfits_ten_rows(backbone, loss):
    power = 0.0 if loss == "gbce" else 0.75
    model = made(backbone=backbone, loss=loss, popularity_power=power, score_penalty=0.1)
    model.fit(np.tile(HISTORIES, (150, 1)), np.tile(TARGETS, (150, 1)), batch_size=10, verbose=0, shuffle=False)
    best = np.asarray(model.ranker()(HISTORIES)).argmax(axis=1) + 1
    assert best.tolist() == TARGETS[:, 1].tolist()


def test_ignores_padding(model):
    ranker = model.ranker()
    longer = np.pad(HISTORIES, [(0, 0), (0, 5)])
    np.testing.assert_allclose(ranker(HISTORIES), ranker(longer), atol=1e-5)


def test_a_later_item_changes_no_earlier_state(model):
    histories = np.array([[1, 2, 3, 4, 5], [1, 2, 3, 9, 8]], "int32")
    one, other = np.asarray(model(histories))
    np.testing.assert_allclose(one[:3], other[:3], atol=1e-6)
    assert np.abs(one[3:] - other[3:]).max() > 1e-3


def test_the_order_of_a_history_matters(model):
    forward, backward = np.asarray(model.ranker()(np.array([[1, 2, 3], [2, 1, 3]], "int32")))
    assert np.abs(forward - backward).max() > 1e-4


def test_padded_steps_add_nothing_to_the_loss(model):
    losses = []
    for width in (3, 8):
        padding = [(0, 0), (0, width - 3)]
        histories, targets = np.pad(HISTORIES, padding), np.pad(TARGETS, padding)
        model.random.state.assign(np.array([3, 0], "uint32"))
        losses.append(float(model.compute_loss(histories, targets, model(histories))))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_saves_and_loads_to_the_same_scores_without_our_code(model, tmp_path):
    ranker = model.ranker()
    ranker.save(tmp_path / "ranker.keras")
    loaded = keras.saving.load_model(tmp_path / "ranker.keras", safe_mode=True)
    assert {type(layer).__module__.split(".")[0] for layer in loaded.layers} == {"keras"}
    np.testing.assert_allclose(loaded(HISTORIES), ranker(HISTORIES), atol=1e-6)
    assert loaded(HISTORIES).shape == (10, 30)


def test_every_side_input_changes_scores_and_survives_saving(tmp_path):
    categories = np.arange(30) % 3 + 1
    ranker = build(SIDES, np.ones(30), categories=categories, taste_dimensions=4).ranker()
    gaps, tastes = np.full((10, 3), 5, "int32"), np.zeros((10, 4), "float32")
    plain = np.asarray(ranker([HISTORIES, gaps, tastes]))
    assert np.abs(plain - ranker([HISTORIES, gaps + 9, tastes])).max() > 1e-4
    assert np.abs(plain - ranker([HISTORIES, gaps, tastes + 1])).max() > 1e-4
    others = build(SIDES, np.ones(30), categories=categories[::-1], taste_dimensions=4).ranker()
    assert np.abs(plain - others([HISTORIES, gaps, tastes])).max() > 1e-4

    ranker.save(tmp_path / "ranker.keras")
    loaded = keras.saving.load_model(tmp_path / "ranker.keras", safe_mode=True)
    np.testing.assert_allclose(loaded([HISTORIES, gaps, tastes]), plain, atol=1e-6)


def test_the_same_seed_makes_the_same_weights():
    one, same, other = (made(seed=seed).get_weights() for seed in (3, 3, 4))
    assert all((a == b).all() for a, b in zip(one, same, strict=True))
    assert (one[0] != other[0]).any()


@pytest.mark.parametrize(("name", "value"), [("backbone", "lstm"), ("loss", "hinge")])
def test_an_unknown_choice_is_named(name, value):
    with pytest.raises(ModelError, match=f"{name} as one of .*but received '{value}'"):
        NextItemConfig(**{name: value})


@pytest.mark.parametrize("name", ["category", "taste"])
def test_a_side_input_that_is_not_there_is_named(name):
    with pytest.raises(ModelError, match=f"which the setting `{name}: true` reads"):
        made(**{name: True})


def test_what_is_said_of_items_places_those_that_nobody_acted_on():
    """After an item of one kind comes another of the other kind, so that the kind is all there is to learn."""
    kinds = np.arange(30) % 2
    contents = np.eye(2, dtype="float32")[kinds]
    config = dataclasses.replace(CONFIG, content=True, id_dropout=0.5, negatives=20)
    model = build(config, np.ones(30), contents=contents)
    random = np.random.default_rng(1)
    first, second = 1 + 2 * random.integers(0, 12, (2, 400))  # codes 1 to 23 are of kind 0; items of 25 on have no acts
    model.fit(first[:, None].astype("int32"), second[:, None].astype("int32") + 1, epochs=8, batch_size=20, verbose=0)
    before = model.ranker()
    scores = np.asarray(before(np.array([[1], [3]], "int32")))
    unseen = np.arange(24, 30)
    assert (
        scores[:, unseen][:, kinds[unseen] == 1].min(axis=1) > scores[:, unseen][:, kinds[unseen] == 0].max(axis=1)
    ).all()
    model.projection.set_weights([0.0 * model.projection.kernel])
    np.testing.assert_array_equal(before(np.array([[1]], "int32")), scores[:1])
    model.refresh(before)
    assert np.abs(np.asarray(before(np.array([[1]], "int32"))) - scores[:1]).max() > 1e-3


def test_content_needs_a_catalogue():
    with pytest.raises(ModelError, match="dim_item"):
        made(content=True)
