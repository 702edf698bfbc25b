"""The sequence model in NumPy says what Keras says, for every kind of net that can be registered."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from contracts.errors import ModelError
from serving.online.session_model import SessionModel
from serving.storing.session_weights import in_codes, require_equal, session_weights
from training.models.next_item.network import NextItemConfig, build
from training.models.next_item.pyfunc import NextItemRanker

ITEMS = 30


def ranker(**changes):
    """A net with random weights, as MLflow would have loaded it."""
    config = NextItemConfig(dimensions=8, max_length=6, dropout=0.0, **changes)
    net = build(config, np.ones(ITEMS, int), categories=np.arange(ITEMS) % 4, taste_dimensions=3)
    random = np.random.default_rng(3)
    for weight in net.trainable_weights:
        weight.assign(random.normal(0, 0.5, weight.shape))
    found = NextItemRanker()
    found.ranker, found.max_length = net.ranker(), config.max_length
    found.item_ids = np.array([f"i{number:02d}" for number in range(ITEMS)], dtype=object)
    found.places, found.counts = pd.Index(found.item_ids), np.ones(ITEMS, "float32")
    found.time_gap, found.taste = config.time_gap, 3 if config.taste else 0
    found.step_inputs = 2 if config.time_gap else 1
    return found


def rows():
    random = np.random.default_rng(5)
    lengths = [1, 2, 5, 6, 7, 15]
    histories = [[f"i{one:02d}" for one in random.permutation(ITEMS)[:length]] for length in lengths]
    histories.append(["unknown", *histories[2], "unknown too"])
    times = [np.cumsum(random.integers(1, 10**5, len(one))).astype(float).tolist() for one in histories]
    tastes = [random.normal(size=3).tolist() for _ in histories]
    return pd.DataFrame({"history": histories, "occurred_at": times, "taste_vector": tastes})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"blocks": 2, "time_gap": True},
        {"category": True, "taste": True},
        {"backbone": "attention", "heads": 2, "blocks": 2, "ffn_multiplier": 2},
        {"backbone": "attention", "time_gap": True, "category": True, "taste": True},
    ],
)
def test_scores_are_those_of_keras(changes):
    model = ranker(**changes)
    require_equal(SessionModel(session_weights(model)), model, rows())


def test_in_the_numbers_of_a_store_the_scores_are_the_same():
    model = ranker(category=True)
    weights = session_weights(model)
    own = SessionModel(weights)
    codes = np.random.default_rng(2).permutation(40)[:ITEMS] + 1  # a store of 40 items, ten of them unknown to the net
    codes[4] = 0  # and one of the net's that it has not
    stored = SessionModel(in_codes(weights, codes, 40))
    history = np.array([3, 9, 1])
    expected = own.score(history)
    found = stored.score(codes[history - 1])
    kept = codes > 0
    np.testing.assert_allclose(found[codes[kept] - 1], expected[kept])
    assert np.isneginf(np.delete(found, codes[kept] - 1)).all()
    assert [stored.knows(code) for code in (int(codes[0]), 41)] == [True, False]
    assert sum(stored.knows(code) for code in range(1, 41)) == ITEMS - 1
    best = np.array([6, 12])
    like = stored.nearest(codes[best - 1], codes[history - 1])
    assert like.tolist() == codes[own.nearest(best, history) - 1].tolist()


def test_other_weights_are_found_out():
    model = ranker()
    weights = session_weights(model)
    weights["0.gru_recurrent"] = weights["0.gru_recurrent"] + np.float32(0.05)
    with pytest.raises(ModelError, match="scores of a session that differ by at most"):
        require_equal(SessionModel(weights), model, rows())


def test_a_layer_that_is_not_known_is_refused():
    model = ranker()
    layers = [*model.ranker.layers, SimpleNamespace(name="more", get_weights=lambda: [np.ones(2)])]
    model.ranker = SimpleNamespace(layers=layers)
    with pytest.raises(ModelError, match="SimpleNamespace"):
        session_weights(model)


def test_the_nearest_item_of_a_history_is_the_one_of_the_pyfunc():
    model = ranker()
    vectors = np.asarray(model.ranker.get_layer("items").embeddings)[1:]
    model.directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    history = rows()["history"][2]
    answer = model.predict(None, pd.DataFrame({"history": [history]}), {"k": 5})
    best = model.places.get_indexer(answer["items"][0]) + 1
    near = SessionModel(session_weights(model)).nearest(best, model.places.get_indexer(history) + 1)
    assert list(model.item_ids[near - 1]) == answer["because"][0]
