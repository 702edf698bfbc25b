"""The net of responses: it learns, it passes over what is not known, and its two parts are saved and loaded."""

import keras
import numpy as np
import pytest

from contracts.errors import ModelError
from training.models.response.network import NOT_KNOWN, Response, ResponseConfig, build
from training.models.response.regression import Regressions

CONFIG = ResponseConfig(
    embedding_dimensions=4,
    interaction_penalty=0.0,
    dropout=0.0,
    hidden_share=0.0,
    learning_rate=0.02,
    weight_decay=0.0,
    seed=3,
)
NUMBERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], "float32")
CODES = np.array([[1], [2], [1], [2]], "int32")
LABELS = np.array([[0, 1], [1, 1], [1, 0], [0, NOT_KNOWN]], "float32")


def net(**more) -> Response:
    config = ResponseConfig(**{**CONFIG.__dict__, **more})
    return build(config, numbers=2, codes=3, unknown_codes=[0], positive_shares=[0.5, 0.25])


@pytest.fixture(scope="module")
def overfitted() -> Response:
    model = net()
    rows = [np.tile(one, (150, 1)) for one in (NUMBERS, CODES, LABELS)]
    model.fit(rows[:2], rows[2], batch_size=4, verbose=0, shuffle=False)
    return model


def test_learns_four_rows_one_of_them_with_an_answer_that_is_not_known(overfitted):
    logits = np.asarray(overfitted([NUMBERS, CODES]))
    known = LABELS >= 0
    np.testing.assert_array_equal((logits > 0)[known], (LABELS > 0)[known])


@pytest.mark.parametrize(
    "choice", [{"structure": "stacked"}, {"cross_rank": 2}, {"deep_layers": 0}, {"loss": "weighted"}, {"loss": "focal"}]
)
def test_each_choice_lowers_its_loss(choice):
    model = net(**choice)
    model.run_eagerly = True  # quicker than to trace each choice
    history = model.fit([NUMBERS, CODES], LABELS, epochs=4, batch_size=4, verbose=0, shuffle=False)
    assert history.history["loss"][-1] < history.history["loss"][0]


def test_the_loss_of_a_row_by_hand():
    # Chance 1/2 costs log 2; the second answer weighs 1/2; what is not known costs nothing.
    logits = np.zeros((3, 2), "float32")
    labels = np.array([[1, 0], [1, NOT_KNOWN], [NOT_KNOWN, NOT_KNOWN]], "float32")
    plain = np.asarray(net().example_losses(labels, logits))
    np.testing.assert_allclose(plain, [1.5 * np.log(2), np.log(2), 0], rtol=1e-5)
    focal = np.asarray(net(loss="focal", gamma=2.0).example_losses(labels, logits))
    np.testing.assert_allclose(focal, plain / 4, rtol=1e-5)  # (1 - 1/2)^2
    # Half of the first answers are yes; of the second a quarter, so a no weighs 0.5 / 0.75.
    weighted = np.asarray(net(loss="weighted").example_losses(labels, logits))
    np.testing.assert_allclose(weighted, [np.log(2) * (1 + 0.5 * 2 / 3), np.log(2), 0], rtol=1e-5)


def test_a_sure_mistake_costs_a_finite_number():
    losses = np.asarray(net().example_losses(np.array([[1.0, 0.0]], "float32"), np.array([[-200.0, 200.0]], "float32")))
    np.testing.assert_allclose(losses, [300.0], rtol=1e-5)


def test_the_loss_is_the_mean_over_rows():
    logits = np.array([[1.0, -1.0], [0.5, 2.0]], "float32")
    labels = np.array([[1.0, 0.0], [0.0, NOT_KNOWN]], "float32")
    model = net()
    assert float(model.compute_loss(y=labels, y_pred=logits)) == pytest.approx(
        float(np.mean(np.asarray(model.example_losses(labels, logits)))), rel=1e-6
    )


def test_a_penalty_adds_to_the_loss():
    labels, logits = np.ones((1, 2), "float32"), np.zeros((1, 2), "float32")
    plain, penalised = (float(net(interaction_penalty=one).compute_loss(y=labels, y_pred=logits)) for one in (0.0, 0.1))
    assert penalised > plain


def test_a_cross_layer_is_the_formula():
    model = net(cross_layers=1, deep_layers=0, start="random")
    random = np.random.default_rng(0)
    features = random.normal(size=(5, 6)).astype("float32")
    for layer in model.head.layers:
        layer.set_weights([random.normal(size=weights.shape) for weights in layer.get_weights()])
    (kernel, bias), (last, last_bias) = (layer.get_weights() for layer in model.head.layers if layer.get_weights())
    crossed = features * (features @ kernel + bias) + features  # formula 1
    np.testing.assert_allclose(model.head(features), crossed @ last + last_bias, atol=1e-4)


@pytest.mark.parametrize("structure", ["parallel", "stacked"])
def test_before_the_first_step_the_net_is_the_regressions(structure):
    model = net(structure=structure)
    model.start_at(
        Regressions(
            numbers=np.array([[1.0, 0.5], [-2.0, 0.25]], "float32"),  # (numbers, answers)
            codes=np.array([[0.0, 0.0], [3.0, -1.0], [-3.0, 2.0]], "float32"),  # (codes, answers)
            intercepts=np.array([0.1, -0.1], "float32"),
            strengths=(1.0, 1.0),
        )
    )
    by_hand = [
        [0.1 + 3, -0.1 - 1],
        [0.1 + 1 - 3, -0.1 + 0.5 + 2],
        [0.1 - 2 + 3, -0.1 + 0.25 - 1],
        [0.1 + 1 - 2 - 3, -0.1 + 0.75 + 2],
    ]
    np.testing.assert_allclose(model([NUMBERS, CODES]), by_hand, atol=1e-6)
    unknown = [0.1, -0.1]
    np.testing.assert_allclose(model([NUMBERS[:1], np.array([[0]])]), [unknown], atol=1e-6)


def test_the_regressions_stay_while_the_net_learns(overfitted):
    np.testing.assert_array_equal(overfitted.head.get_layer("regression").kernel, np.zeros((8, 2)))
    assert np.abs(overfitted.head.get_layer("left").kernel).max() > 0


def test_what_training_has_not_seen_says_nothing():
    np.testing.assert_array_equal(net().embedder([NUMBERS[:1], np.array([[0]])])[0, 2:], np.zeros(4 + 2))


def test_both_parts_load_without_our_code_and_answer_the_same(overfitted, tmp_path):
    overfitted.embedder.save(tmp_path / "embedder.keras")
    overfitted.head.save(tmp_path / "head.keras")
    embedder, head = (
        keras.saving.load_model(tmp_path / f"{name}.keras", safe_mode=True) for name in ("embedder", "head")
    )
    assert {type(layer).__module__.split(".")[0] for layer in (*embedder.layers, *head.layers)} == {"keras"}
    np.testing.assert_allclose(head(embedder([NUMBERS, CODES])), overfitted([NUMBERS, CODES]), atol=1e-6)


def test_the_same_seed_gives_the_same_weights():
    one, other = (net() for _ in range(2))
    for left, right in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_a_loss_structure_or_start_that_is_none_is_refused_in_words():
    with pytest.raises(ModelError, match="loss as one of plain, weighted, focal"):
        net(loss="hinge")
    with pytest.raises(ModelError, match="structure as one of parallel, stacked"):
        net(structure="both")
    with pytest.raises(ModelError, match="start as one of regression, random"):
        net(start="trees")
