import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.lake import Lake
from contracts.tables.served import PREDICTIONS, RESPONSES, SCORES
from lake_tables.arrow import arrow_schema
from lake_tables.shown.rules import ListRules, Rules
from serving.scoring.champions import Champion, Champions
from serving.scoring.feature_reasons import feature_reasons
from serving.scoring.histories import in_batches, read_histories, read_tastes
from serving.scoring.history_reasons import most_attributed_items
from serving.scoring.predictions import best_campaigns
from serving.scoring.recommendations import (
    AGAIN,
    PINNED,
    POPULAR,
    TASTE,
    TOGETHER,
    popularity,
    reason,
    recommend,
)
from serving.scoring.shelf import Demand, Shelf
from serving.scoring.uplifts import predict_uplifts
from tests.training.markov_town import DS, build_town, person, scoring_rows
from training.integrated_gradients import integrated_gradients
from training.models.next_item.attributions import history_path
from training.models.next_item.network import NextItemConfig, build


def test_histories_and_tastes_find_their_people(tmp_path):
    build_town(tmp_path, people=3)
    lake = Lake(tmp_path / "lake")
    histories = read_histories(lake, DS)
    tastes = pa.table({"person_id": [person(1), person(0)], "taste_vector": [[0.5, 1.0], None]})
    [(people, rows)] = in_batches(np.array([person(0), person(1), "pffffffffffffffff"]), histories, tastes)
    assert people.tolist() == [person(0), person(1), "pffffffffffffffff"]
    acts = next(row for row in scoring_rows(3) if row["person_id"] == person(1))
    assert rows["history"].tolist()[1:] == [acts["item_ids"], []]
    assert rows["occurred_at"][1] == [moment.timestamp() for moment in acts["occurred_at"]]
    assert rows["strongest_actions"].tolist()[1:] == [acts["strongest_actions"], []]
    assert rows["taste_vector"].tolist() == [[], [0.5, 1.0], []]


def test_tastes_are_those_of_the_latest_earlier_day(tmp_path):
    lake = Lake(tmp_path / "lake")
    assert read_tastes(lake, DS).num_rows == 0
    for ds, taste in (("2026-11-01", [1.0]), ("2026-11-02", [2.0]), (DS, [3.0])):
        file = lake.staging("score") / "predictions.parquet"
        pq.write_table(pa.table({"person_id": ["p1"], "taste_vector": [taste]}), file)
        lake.publish("predictions", ds, {file.name: file})
    assert read_tastes(lake, DS)["taste_vector"].to_pylist() == [[2.0]]


class Served:
    """What MLflow hands out, answering the same to everyone."""

    def __init__(self, model=None, **columns):
        self.model, self.columns = model, columns

    def predict(self, rows, params):  # noqa: ARG002
        return pd.DataFrame({name: [value] * len(rows) for name, value in self.columns.items()})

    @property
    def metadata(self):
        return self

    def get_params_schema(self):
        return None

    def unwrap_python_model(self):
        return self.model


class Recording(Served):
    """The same, and keeps the names of the columns that it was handed."""

    def predict(self, rows, params):
        self.received = rows.columns.tolist()
        return super().predict(rows, params)


class Knowing:
    """A ranker of the items a, b, x, with what a served model has beside it."""

    def __init__(self):
        self.item_ids = np.array(["a", "b", "x"], dtype=object)
        self.places, self.step_inputs = pd.Index(self.item_ids), 1
        self.ranker = build(NextItemConfig(dimensions=8, initial_scale=0.5), np.ones(3)).ranker()

    def encode(self, rows):
        codes = [self.places.get_indexer(history) + 1 for history in rows["history"]]
        longest = max(map(len, codes))
        return (np.array([np.pad(one[one > 0], (0, longest - (one > 0).sum())) for one in codes], "int32"),)


ITEMS = pd.DataFrame({"item_id": ["a", "b", "x"], "title": ["A", "B", "Xylophone"], "interactions": [1, 2, 3]})


DAY = datetime.date(2026, 11, 20)
SHELF = Shelf.of(ITEMS, DAY)


def champions(**served):
    return Champions(None, {name: served.get(name) for name in ("next_item", "taste_autoencoder")})


def told(*histories):
    return pd.DataFrame({"history": pd.Series(histories, dtype=object)})


def test_rows_by_hand_and_no_row_for_an_empty_answer():
    next_item = Champion("next_item/4", Served(Knowing(), items=["a", "b"], scores=[2.0, 1.5]))
    rows = recommend(np.array(["p1"]), told(["x"] * 3), ITEMS, champions(next_item=next_item), SHELF).rows
    assert rows.drop(columns="reason").to_numpy().tolist() == [
        ["p1", 1, "a", 2.0, "next_item/4"],
        ["p1", 2, "b", 1.5, "next_item/4"],
    ]
    assert set(rows["reason"]) <= {"because you looked at Xylophone", TOGETHER}
    nothing = Champion("next_item/4", Served(Knowing(), items=[], scores=[]))
    found = recommend(np.array(["p1"]), told(["x"] * 3), ITEMS, champions(next_item=nothing), SHELF)
    assert (found.rows.empty, found.fell_back) == (True, 0)


def test_the_reason_is_the_item_that_raised_the_score_most_whatever_stands_beside_it_in_the_batch():
    model = Knowing()
    histories = told(["a", "b"], [], ["b", "unlisted", "a", "b"])
    raised = most_attributed_items(model, model.encode(histories), pd.Series([["x", "b"], ["a"], ["x"]]))
    for row, targets in ((0, [2, 1]), (2, [2])):
        [alone] = [model.encode(histories.iloc[[row]])]
        for place, target in enumerate(targets):
            moved = integrated_gradients(*history_path(model.ranker, alone, np.array([target]))).sum(axis=-1)
            best = moved[0].argmax()
            expected = model.item_ids[alone[0][0, best] - 1] if moved[0, best] > 0 else None
            assert raised[row][place] == expected
    assert raised[1] == [None]


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("purchase", "because you bought Xylophone"),
        ("cart", "because you put Xylophone in the cart"),
        ("rate", "because you rated Xylophone"),
        ("view", "because you looked at Xylophone"),
    ],
)
def test_a_reason_names_the_action_on_the_item(monkeypatch, action, expected):
    monkeypatch.setattr(
        "serving.scoring.recommendations.most_attributed_items", lambda *_: [["x", "a"], ["x", None], [None, None]]
    )
    served = Recording(Knowing(), items=["b", "unlisted"], scores=[2.0, 1.5])
    histories = told(["a", "x"], ["x"], [])
    histories["strongest_actions"] = pd.Series([["view", action], ["view"], []], dtype=object)
    items = pd.concat([ITEMS, pd.DataFrame({"item_id": ["unlisted"], "title": ["Unlisted"], "interactions": [0]})])
    champion = champions(next_item=Champion("next_item/4", served))
    rows = recommend(np.array(["p1", "p2", "p3"]), histories, items, champion, Shelf.of(items, DAY)).rows
    assert rows["reason"].tolist() == [
        expected,
        "because you looked at A",
        "because you looked at Xylophone",
        TOGETHER,
        POPULAR,
        POPULAR,
    ]
    assert served.received == ["history"], "models that are registered know of no actions"


def test_what_no_campaign_carries_is_recommended_without_a_reason():
    next_item = Champion("next_item/4", Served(Knowing(), items=["a", "b"], scores=[2.0, 1.5]))
    shelf = Shelf.of(ITEMS, DAY, Demand(most=1))
    rows = recommend(np.array(["p1"]), told(["x"] * 3), ITEMS, champions(next_item=next_item), shelf).rows
    assert rows["item_id"].tolist() == ["a", "b"]
    assert rows["reason"].isna().tolist() == [False, True]


def test_an_item_is_looked_at_where_no_action_is_known_and_has_its_id_where_no_title_is():
    assert reason("x", {"x": "{A} %s"}, {}) == "because you looked at {A} %s"
    assert reason("x", {}, {"x": "purchase"}) == "because you bought x"


def test_a_short_history_is_ranked_by_taste_and_none_by_order():
    both = champions(
        next_item=Champion("next_item/4", Served(Knowing(), items=["a"], scores=[2.0])),
        taste_autoencoder=Champion("taste_autoencoder/2", Served(items=["b"], scores=[1.0], taste_vector=[0.5])),
    )
    histories = told(["unlisted"] * 3, ["x"], [])
    rows = recommend(np.array(["p1", "p2", "p3"]), histories, ITEMS, both, SHELF).rows
    assert rows[["person_id", "item_id", "reason", "model_version"]].to_numpy().tolist() == [
        ["p1", "a", POPULAR, "next_item/4"],
        ["p2", "b", TASTE, "taste_autoencoder/2"],
        ["p3", "a", POPULAR, "next_item/4"],
    ]


def test_without_champions_popularity_ranks():
    rows = recommend(np.array(["p1"]), told(["x"]), ITEMS, champions(), SHELF).rows
    assert rows[["item_id", "model_version"]].to_numpy().tolist() == [["b", "popularity"], ["a", "popularity"]]


def test_who_loses_all_items_gets_what_is_popular_and_is_counted():
    """All that the model would show p1 is sold out; of p2's short history one item is left."""
    both = champions(
        next_item=Champion("next_item/4", Served(Knowing(), items=["a", "b"], scores=[2.0, 1.0])),
        taste_autoencoder=Champion("taste_autoencoder/2", Served(items=["b", "x"], scores=[2.0, 1.0])),
    )
    items = pd.concat([ITEMS, pd.DataFrame({"item_id": ["new"], "title": ["New"], "interactions": [9]})])
    shelf = Shelf.of(items.assign(in_stock=[False, False, True, True]), DAY)
    found = recommend(np.array(["p1", "p2"]), told(["x"] * 3, ["a"]), items, both, shelf)
    assert found.rows[["person_id", "item_id", "reason", "model_version"]].to_numpy().tolist() == [
        ["p1", "new", POPULAR, "popularity"],
        ["p2", "x", TASTE, "taste_autoencoder/2"],
    ]
    assert found.fell_back == 1
    assert found.passed_over[1] == ["b"]
    assert (shelf.passed_over, shelf.people_passed_over) == (2 + 1 + 2, 2 + 1), "with those of both rankings of p1"


def test_what_is_pinned_and_what_may_be_bought_again_stand_in_front_and_say_so():
    next_item = Champion("next_item/4", Served(Knowing(), items=["b"], scores=[1.5]))
    shelf = Shelf.of(ITEMS, DAY, rules=Rules(everywhere=ListRules(pinned_items=("a",))))
    histories = told(["x"] * 3, ["a", "x", "x"])
    rows = recommend(
        np.array(["p1", "p2"]), histories, ITEMS, champions(next_item=next_item), shelf, again=[["x"], []]
    ).rows
    assert rows[["person_id", "item_id", "score"]].to_numpy().tolist() == [
        ["p1", "a", 1.5],
        ["p1", "x", 1.5],
        ["p1", "b", 1.5],
        ["p2", "b", 1.5],
    ]
    assert rows["reason"].tolist()[:2] == [PINNED, AGAIN]


def test_the_best_campaign_is_the_one_of_the_highest_expected_value():
    responses = pd.DataFrame(
        {
            "person_id": ["p1", "p1", "p2"],
            "campaign": ["autumn", "birthday", "autumn"],
            "leave_chance": [0.1, 0.1, 0.7],
            "expected_value": [0.5, 0.9, 0.2],
        }
    )
    assert best_campaigns(responses).to_numpy().tolist() == [["p1", 0.1, 0.9, "birthday"], ["p2", 0.7, 0.2, "autumn"]]


def test_reasons_are_what_raised_the_chance_most_in_words():
    rows = pd.DataFrame({"region": ["north", None], "carts": [3, 0], "purchases": [1, 2]})
    moved = np.array([[0.2, 0.5, -0.1], [0.3, -0.2, -0.4]])
    assert feature_reasons(rows, ["region", "carts", "purchases"], moved, most=2) == [
        ["3 times in the cart", "region north"],
        ["unknown region"],
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("same_campaign_visits", ["never came from", "came once from", "came 2 times from"]),
        ("campaign_visits", ["never came from", "came once from a campaign", "came 2 times from campaigns"]),
        ("carts", ["nothing", "once in the cart", "2 times in the cart"]),
        ("purchases", ["no purchases", "one purchase", "2 purchases"]),
        ("acts_7_days", ["no acts", "one act in 7 days", "2 acts in 7 days"]),
        ("recency_days", ["last here on the same day", "last here the day before", "last here 2 days before"]),
        ("tenure_days", ["new", "known for a day", "known for 2 days"]),
        ("monetary", ["spent 0 euros", "spent one euro", "spent 2 euros"]),
    ],
)
def test_reasons_are_grammatical_for_none_one_and_two(name, words):
    found = feature_reasons(pd.DataFrame({name: [0, 1, 2]}), [name], np.ones((3, 1)), most=1)
    assert [one.startswith(expected) for [one], expected in zip(found, words, strict=True)] == [True] * 3, found


def test_contracts_as_arrow_types():
    assert arrow_schema(SCORES).field("rank").type == pa.int32()
    assert not arrow_schema(SCORES).field("rank").nullable
    assert arrow_schema(RESPONSES).field("reasons").type == pa.list_(pa.string())
    interests = arrow_schema(PREDICTIONS).field("picture_interests").type.value_type
    assert interests.field("confidence").type == pa.float64()


def test_popularity_ranks_by_acts_without_what_was_seen():
    items = pd.DataFrame({"item_id": ["a", "b", "c", "d"], "interactions": [3, 9, 3, 0]})
    answers = popularity(Shelf.of(items, DAY))(pd.DataFrame({"history": [[], ["b", "x"]]}))
    assert answers["items"].tolist() == [["b", "a", "c"], ["a", "c"]]
    assert answers["scores"].tolist() == [[9.0, 3.0, 3.0], [3.0, 3.0]]
    assert answers["reasons"].tolist() == [[POPULAR] * 3, [POPULAR] * 2]


class Persuading:
    """What `uplift` serves: sending helps those with carts in the letter, by the sigmoid of the difference."""

    vocabularies = {"campaign": pd.Index(["letter", "card"])}  # noqa: RUF012
    feature_slices = {"campaign": [0, 1], "carts": [1, 2]}  # noqa: RUF012

    def encode(self, rows):
        return np.stack([rows["campaign"] == "letter", rows["carts"]], axis=1).astype("float32")

    def embedder(self, encoded):
        return encoded

    def head(self, features):
        """Logits to come without the message and with it; buying is never changed."""
        import keras

        none = 0.0 * features[:, :1]
        return keras.ops.concatenate([none, none, features[:, 1:], none], axis=1)


def test_uplifts_are_of_each_person_and_each_campaign_that_had_an_experiment():
    recipients = pa.table(
        {
            "person_id": ["p1", "p1", "p2"],
            "campaign": ["autumn", "winter", "autumn"],
            "same_campaign_visits": [1, 0, 0],
            "carts": [3, 3, 0],
        }
    )
    served = Served(Persuading(), uplift_click=0.1, uplift_purchase=0.05, uplift_euros=1.5)
    (found,) = predict_uplifts(recipients, Champion("uplift/3", served))
    keys = list(zip(found["person_id"], found["campaign"], strict=True))
    assert keys == [("p1", "card"), ("p1", "letter"), ("p2", "card"), ("p2", "letter")]
    assert found["uplift_euros"].eq(1.5).all()
    assert found["model_version"].eq("uplift/3").all()
    assert found["reasons"].tolist() == [["3 times in the cart"]] * 2 + [[]] * 2
    assert not list(predict_uplifts(recipients, None))
