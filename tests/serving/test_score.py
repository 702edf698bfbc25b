import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.marts import PREDICTIONS, RESPONSES, SCORES
from serving.champions import Champion, Champions
from serving.entry import arrow_schema
from serving.predictions import best_campaigns
from serving.reasons import feature_reasons
from serving.recommendations import POPULAR, TASTE, consenting_people, in_batches, popularity, recommend


def test_no_decision_is_no_consent():
    profiles = pa.table({"person_id": ["p3", "p1", "p2"], "consent_personalisation": [True, None, False]})
    assert consenting_people(profiles).tolist() == ["p3"]


def test_histories_find_their_people():
    histories = pa.table({"person_id": ["p2", "p1"], "item_ids": [["a", "b"], ["c"]]})
    [(people, past)] = in_batches(np.array(["p0", "p1", "p2"]), histories)
    assert people.tolist() == ["p0", "p1", "p2"]
    assert past == [[], ["c"], ["a", "b"]]


class Served:
    """What MLflow hands out, answering the same to everyone."""

    def __init__(self, **columns):
        self.columns = columns

    def predict(self, rows, params):  # noqa: ARG002
        return pd.DataFrame({name: [value] * len(rows) for name, value in self.columns.items()})


ITEMS = pd.DataFrame({"item_id": ["a", "b", "x"], "title": ["A", "B", "Xylophone"], "interactions": [1, 2, 3]})


def champions(**served):
    return Champions(None, {name: served.get(name) for name in ("next_item", "taste_autoencoder")})


def test_rows_by_hand_and_no_row_for_an_empty_answer():
    next_item = Champion("next_item/4", Served(items=["a", "b"], scores=[2.0, 1.5], because=["x", "unlisted"]))
    rows = recommend(np.array(["p1"]), [["x"] * 3], ITEMS, champions(next_item=next_item))
    assert rows.to_numpy().tolist() == [
        ["p1", 1, "a", 2.0, "because you looked at Xylophone", "next_item/4"],
        ["p1", 2, "b", 1.5, "because you looked at unlisted", "next_item/4"],
    ]
    nothing = Champion("next_item/4", Served(items=[], scores=[], because=[]))
    assert recommend(np.array(["p1"]), [["x"] * 3], ITEMS, champions(next_item=nothing)).empty


def test_a_short_history_is_ranked_by_taste_and_none_by_order():
    both = champions(
        next_item=Champion("next_item/4", Served(items=["a"], scores=[2.0], because=[None])),
        taste_autoencoder=Champion("taste_autoencoder/2", Served(items=["b"], scores=[1.0], taste_vector=[0.5])),
    )
    rows = recommend(np.array(["p1", "p2", "p3"]), [["x", "x", "x"], ["x"], []], ITEMS, both)
    assert rows[["person_id", "item_id", "reason", "model_version"]].to_numpy().tolist() == [
        ["p1", "a", POPULAR, "next_item/4"],
        ["p2", "b", TASTE, "taste_autoencoder/2"],
        ["p3", "a", POPULAR, "next_item/4"],
    ]


def test_without_champions_popularity_ranks():
    rows = recommend(np.array(["p1"]), [["x"]], ITEMS, champions())
    assert rows[["item_id", "model_version"]].to_numpy().tolist() == [["b", "popularity"], ["a", "popularity"]]


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


def test_contracts_as_arrow_types():
    assert arrow_schema(SCORES).field("rank").type == pa.int32()
    assert not arrow_schema(SCORES).field("rank").nullable
    assert arrow_schema(RESPONSES).field("reasons").type == pa.list_(pa.string())
    interests = arrow_schema(PREDICTIONS).field("picture_interests").type.value_type
    assert interests.field("confidence").type == pa.float64()


def test_popularity_ranks_by_acts_without_what_was_seen():
    items = pd.DataFrame({"item_id": ["a", "b", "c", "d"], "interactions": [3, 9, 3, 0]})
    answers = popularity(items)(pd.DataFrame({"history": [[], ["b", "x"]]}))
    assert answers["items"].tolist() == [["b", "a", "c"], ["a", "c"]]
    assert answers["scores"].tolist() == [[9.0, 3.0, 3.0], [3.0, 3.0]]
    assert answers["because"].tolist() == [[None] * 3, [None] * 2]
