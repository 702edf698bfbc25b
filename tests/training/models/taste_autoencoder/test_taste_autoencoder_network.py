import dataclasses

import keras
import numpy as np
import pytest

from contracts.errors import ModelError
from training.models.taste_autoencoder.network import TasteAutoencoderConfig, build

CONFIG = TasteAutoencoderConfig(hidden=0, latent=8, dropout=0.3, learning_rate=0.02, anneal_steps=10, seed=3)
KINDS = {
    "vae": dataclasses.replace(CONFIG, kind="vae", likelihood="multinomial", visible_weight=1.0, beta=0.1, hidden=12),
    "dae": dataclasses.replace(CONFIG, kind="dae", likelihood="multinomial", visible_weight=0.0),
    "gaussian": dataclasses.replace(CONFIG, kind="dae", likelihood="gaussian", visible_weight=0.3),
}


def two_tastes():
    """People who choose 4 of the first 6 items, and people who choose 4 of the last 6 (40, 12)."""
    random = np.random.default_rng(0)
    rows = np.zeros((40, 12), "float32")
    for person in range(40):
        rows[person, random.permutation(6)[:4] + 6 * (person % 2)] = 1.0
    return rows


@pytest.fixture(scope="module", params=KINDS)
def trained(request):
    rows = two_tastes()
    model = build(KINDS[request.param], rows.sum(axis=0))
    # Two long epochs rather than many short ones: an epoch costs more than a step of so small a net.
    many = np.tile(rows, (30, 1))
    first, last = model.fit(many, epochs=2, batch_size=20, verbose=0, shuffle=False).history["loss"]
    return model, rows, first, last


def test_the_loss_falls(trained):
    _, _, first, last = trained
    assert last < first


def test_what_is_left_of_a_taste_stands_before_the_other_taste(trained):
    model, *_ = trained
    visible = np.zeros((2, 12), "float32")
    visible[0, :3] = visible[1, 6:9] = 1.0
    scores = model.ranker().predict_on_batch(visible)["scores"]
    assert scores[0, 3:6].min() > scores[0, 6:].max()
    assert scores[1, 9:].min() > scores[1, :6].max()


def test_people_of_one_taste_have_near_vectors(trained):
    model, rows, *_ = trained
    tastes = model.ranker().predict_on_batch(rows)["taste_vector"]
    assert tastes.shape == (40, 8)
    tastes = tastes / np.linalg.norm(tastes, axis=1, keepdims=True)
    same = (np.arange(40)[:, None] - np.arange(40)) % 2 == 0
    cosine = tastes @ tastes.T
    assert cosine[same].mean() > cosine[~same].mean() + 0.3


def test_saves_and_loads_to_the_same_scores_without_our_code(trained, tmp_path):
    model, rows, *_ = trained
    ranker = model.ranker()
    ranker.save(tmp_path / "ranker.keras")
    loaded = keras.saving.load_model(tmp_path / "ranker.keras", safe_mode=True)
    theirs, ours = loaded.predict_on_batch(rows), ranker.predict_on_batch(rows)
    for name in ("scores", "taste_vector"):
        np.testing.assert_allclose(theirs[name], ours[name], atol=1e-6)


def test_a_row_of_nothing_still_gives_numbers(trained):
    model, *_ = trained
    answers = model.ranker().predict_on_batch(np.zeros((1, 12), "float32"))
    assert np.isfinite(answers["scores"]).all()
    assert np.isfinite(answers["taste_vector"]).all()


def test_the_same_seed_trains_the_same_weights():
    rows = two_tastes()
    weights = []
    for _ in range(2):
        model = build(KINDS["vae"], rows.sum(axis=0))
        model.fit(rows, epochs=1, batch_size=20, verbose=0, shuffle=False)
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)  # threads add up in any order


def loss_of(config, *, rows, visible, logits, mean, log_variance, steps=0):
    model = build(config, np.ones(len(rows[0])))
    model.steps.assign(steps)
    arrays = (np.array(one, "float32") for one in (visible, logits, mean, log_variance))
    return float(model.compute_loss(x=np.array(rows, "float32"), y_pred=tuple(arrays), training=False))


def test_multinomial_loss_by_hand():
    # softmax of (0, log 3) is (1/4, 3/4): -log(1/4) - log(3/4) = 1.67398; the visible item half: -log(1/4)/2 - log(3/4)
    config = dataclasses.replace(KINDS["dae"], latent=1)
    arrays = {"rows": [[1, 1]], "visible": [[1, 0]], "logits": [[0, np.log(3)]], "mean": [[0]], "log_variance": [[0]]}
    assert loss_of(dataclasses.replace(config, visible_weight=1.0), **arrays) == pytest.approx(1.67398, abs=1e-4)
    assert loss_of(dataclasses.replace(config, visible_weight=0.5), **arrays) == pytest.approx(0.98083, abs=1e-4)
    # A visible item is left out of the softmax: the one hidden item has probability 1.
    assert loss_of(dataclasses.replace(config, visible_weight=0.0), **arrays) == pytest.approx(0.0, abs=1e-5)


def test_gaussian_loss_by_hand():
    arrays = {"rows": [[1, 0, 1]], "visible": [[1, 0, 0]], "logits": [[3, 1, 0]], "mean": [[0]], "log_variance": [[0]]}
    config = dataclasses.replace(KINDS["gaussian"], latent=1, visible_weight=0.5)
    assert loss_of(config, **arrays) == pytest.approx(4 * 0.5 + 1 + 1)


def test_divergence_by_hand_and_its_annealing():
    # (variance + mean^2 - 1 - log variance) / 2 = (2 + 9 - 1 - log 2) / 2 = 4.65343; one item of two even ones: log 2
    config = dataclasses.replace(KINDS["vae"], latent=1, beta=0.5, anneal_steps=10)
    arrays = {"rows": [[1, 0]], "visible": [[1, 0]], "logits": [[0, 0]], "mean": [[3]], "log_variance": [[np.log(2)]]}
    assert loss_of(config, **arrays, steps=0) == pytest.approx(0.69315, abs=1e-4)
    assert loss_of(config, **arrays, steps=5) == pytest.approx(0.69315 + 0.25 * 4.65343, abs=1e-4)
    assert loss_of(config, **arrays, steps=50) == pytest.approx(0.69315 + 0.5 * 4.65343, abs=1e-4)


@pytest.mark.parametrize("change", [{"kind": "gan"}, {"likelihood": "poisson"}])
def test_an_unknown_choice_is_refused_with_those_there_are(change):
    with pytest.raises(ModelError, match=f"expected {next(iter(change))} as one of"):
        build(dataclasses.replace(CONFIG, **change), np.ones(3))
