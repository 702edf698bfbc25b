import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from training.models.next_item.learner import FittedNextItem
from training.models.next_item.network import NextItemConfig, build
from training.models.next_item.pyfunc import NextItemRanker, content_features
from training.sequences.histories import gap_codes

CONFIG = NextItemConfig(dimensions=8, max_length=5, seed=3)
ITEMS = np.array([f"i{number:02d}" for number in range(20)])
COUNTS = np.arange(1, 21)


def serve(folder, config):
    tastes = 2 if config.taste else 0
    ranker = build(config, COUNTS, taste_dimensions=tastes).ranker()
    fitted = FittedNextItem(ranker, ITEMS, COUNTS, config.max_length, config.time_gap, tastes)
    return fitted, loaded(fitted, folder)


def loaded(fitted, folder):
    served = NextItemRanker()
    served.load_context(SimpleNamespace(artifacts={k: str(v) for k, v in fitted.save(folder).items()}))
    return served


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    return serve(tmp_path_factory.mktemp("plain"), CONFIG)


@pytest.fixture(scope="module")
def served(both):
    return both[1]


@pytest.fixture(scope="module")
def with_sides(tmp_path_factory):
    sides = dataclasses.replace(CONFIG, backbone="attention", time_gap=True, taste=True)
    return serve(tmp_path_factory.mktemp("sides"), sides)[1]


def answer(served, *histories, params=None, **columns):
    frame = pd.DataFrame({"history": pd.Series(list(histories), dtype=object), **columns})
    return served.predict(None, frame, params)


def test_scores_are_those_of_the_fitted_model(both):
    fitted, served = both
    histories = np.array([[1, 2, 3, 0, 0], [4, 0, 0, 0, 0]], "int32")
    np.testing.assert_allclose(served.score(histories), fitted.score(histories), atol=1e-6)


def test_what_was_seen_is_left_out_and_reasons_are_from_the_history(served):
    [row] = answer(served, ["i05", "i06", "i07"]).to_dict("records")
    assert len(row["items"]) == len(row["scores"]) == len(row["because"]) == 10
    assert row["scores"] == sorted(row["scores"], reverse=True)
    assert not {"i05", "i06", "i07"} & set(row["items"])
    assert set(row["because"]) <= {"i05", "i06", "i07"}


def test_unknown_items_none_and_nan_are_passed_over(served):
    rows = answer(served, ["i05", "never heard of", None, float("nan"), "i06"], ["i05", "i06"]).to_dict("records")
    assert rows[0]["items"] == rows[1]["items"]


def test_no_known_history_gives_what_is_popular(served):
    rows = answer(served, [], ["never heard of"], None, float("nan"), [None]).to_dict("records")
    assert all(row == rows[0] for row in rows)
    assert rows[0]["items"] == ITEMS[::-1][:10].tolist()
    assert rows[0]["scores"] == COUNTS[::-1][:10].tolist()
    assert set(rows[0]["because"]) == {None}


def test_k_and_longer_histories_than_the_model_reads(served):
    long = ITEMS[:15].tolist() * 3
    assert answer(served, long, params={"k": 3})["items"].map(len).tolist() == [3]
    assert answer(served, long, params={"k": 1000})["items"].map(len).tolist() == [5]  # all 20 but the 15 seen ones
    assert answer(served, ITEMS.tolist())["items"].tolist() == [[]]


def test_the_order_of_the_batch_does_not_matter(served):
    one, two = ["i05", "i06"], ["i10", "i11", "i12"]
    forward, backward = answer(served, one, two), answer(served, two, one)
    assert forward["items"].tolist() == backward["items"].tolist()[::-1]


def test_no_rows_give_no_rows(served):
    assert len(answer(served)) == 0


def test_times_and_taste_change_scores_and_may_be_missing(with_sides):
    history, times = ["i01", "i02"], [1e9, 1e9 + 5000]
    plain = answer(with_sides, history).to_dict("records")
    timed = answer(with_sides, history, occurred_at=[times]).to_dict("records")
    tasted = answer(with_sides, history, taste_vector=[[3.0, -3.0]]).to_dict("records")
    assert plain[0]["scores"] != timed[0]["scores"]
    assert plain[0]["scores"] != tasted[0]["scores"]


@pytest.mark.parametrize("times", [None, float("nan"), [1e9], ["noon", None], [float("nan")] * 2])
@pytest.mark.parametrize("taste", [None, [1.0], ["a", None], [float("nan")] * 2, [float("inf")] * 2])
def test_times_and_taste_that_cannot_be_read_count_as_missing(with_sides, times, taste):
    columns = {"occurred_at": pd.Series([times], dtype=object), "taste_vector": pd.Series([taste], dtype=object)}
    [row] = answer(with_sides, ["i01", "i02"], **columns).to_dict("records")
    [plain] = answer(with_sides, ["i01", "i02"]).to_dict("records")
    assert row["items"] == plain["items"]


def test_gaps_are_coded_as_in_training(with_sides):
    times = [[100, 100, 101, 104, 1000 + 2**20], [5, 5]]
    rows = pd.DataFrame({"history": [["i01", "i02", "i03", "i04", "i05"], ["i06", "i07"]], "occurred_at": times})
    _, gaps, _ = with_sides.encode(rows)
    expected = gap_codes(np.concatenate(times).astype("datetime64[s]"), np.array([0, 5])).tolist()
    assert gaps.tolist() == [expected[:5], [*expected[5:], 0, 0, 0]]


@pytest.mark.parametrize("k", [0, -1])
def test_fewer_than_one_item_is_a_mistake_of_the_caller(served, k):
    with pytest.raises(MlflowException, match="at least 1 as k") as error:
        answer(served, ["i05"], params={"k": k})
    assert error.value.get_http_status_code() == 400


def test_a_history_that_is_not_there_is_empty(served):
    [nothing] = answer(served, []).to_dict("records")
    assert answer(served, None).to_dict("records") == [nothing]
    assert served.predict(None, pd.DataFrame({"taste_vector": [None]}), None).to_dict("records") == [nothing]


SPEC = {"categories": ["hats", "shoes"], "prices": [np.log(10.0), 1.0], "text": 2}


def test_what_the_catalogue_says_becomes_numbers():
    categories = np.array(["shoes", "hats|shoes", "coats", None], object)
    prices = np.array([10.0, 10.0 * np.e, np.nan, -1.0])
    texts = np.array([[0.6, 0.8], [0, 0], [1, 0], [np.nan, 0]])
    found = content_features(categories, prices, texts, SPEC)
    half = 0.5**0.5
    expected = [[0, 1, 0, 0.6, 0.8], [half, half, 1 / 3, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0]]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    other_model = content_features(categories[:1], prices[:1], np.ones((1, 3)), SPEC)
    np.testing.assert_allclose(other_model, [[0, 1, 0, 0, 0]], atol=1e-6)


def test_an_item_of_tonights_catalogue_has_a_place_at_once(tmp_path):
    contents = np.random.default_rng(0).standard_normal((20, 5)).astype("float32")
    model = build(dataclasses.replace(CONFIG, content=True), COUNTS, contents=contents)
    content = {**SPEC, "projection": np.asarray(model.projection.kernel).tolist()}
    fitted = FittedNextItem(model.ranker(), ITEMS, COUNTS, 5, False, 0, content=content)
    served = loaded(fitted, tmp_path)
    [before] = answer(served, ["i05", "new"], params={"k": 30}).to_dict("records")
    row = np.array(["hats"], object), np.array([3.0]), np.array([[0.6, 0.8]])
    assert served.admit(np.array(["i05"], object), *row) == 0
    assert served.admit(np.array(["new"], object), *row) == 1
    [after] = answer(served, ["i05"], params={"k": 30}).to_dict("records")
    assert set(after["items"]) == {*before["items"], "new"}
    before, after = (dict(zip(row["items"], row["scores"], strict=True)) for row in (before, after))
    assert all(abs(after[item] - score) < 1e-5 for item, score in before.items())
    expected = content_features(*row, SPEC) @ np.asarray(model.projection.kernel)
    np.testing.assert_allclose(served.directions[-1], expected[0] / np.linalg.norm(expected), atol=1e-6)
    assert served.learned_ids.tolist() == ITEMS.tolist()
    [history] = answer(served, ["new"]).to_dict("records")
    assert history["because"] == ["new"] * 10, "it is read in a history too"


def test_a_model_that_did_not_learn_from_content_admits_nothing(served):
    before = len(served.item_ids)
    assert served.admit(np.array(["new"], object), np.array(["hats"], object), np.array([1.0]), np.zeros((1, 2))) == 0
    assert len(served.item_ids) == before
