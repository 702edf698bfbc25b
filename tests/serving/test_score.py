import numpy as np
import pandas as pd
import pyarrow as pa

from serving.score import consenting_people, in_batches, popularity, recommendation_rows


def test_no_decision_is_no_consent():
    profiles = pa.table({"person_id": ["p3", "p1", "p2"], "consent_personalisation": [True, None, False]})
    assert consenting_people(profiles).tolist() == ["p3"]


def test_histories_find_their_people():
    histories = pa.table({"person_id": ["p2", "p1"], "item_ids": [["a", "b"], ["c"]]})
    [(people, past)] = in_batches(np.array(["p0", "p1", "p2"]), histories)
    assert people.tolist() == ["p0", "p1", "p2"]
    assert past == [[], ["c"], ["a", "b"]]


def test_rows_by_hand_and_no_row_for_an_empty_answer():
    answers = pd.DataFrame(
        {
            "items": [["a", "b"], [], ["c"]],
            "scores": [[2.0, 1.5], [], [7.0]],
            "because": [["x", "unlisted"], [], [None]],
        }
    )
    rows = recommendation_rows(np.array(["p1", "p2", "p3"]), answers, {"x": "Xylophone"}, "4")
    assert rows.to_numpy().tolist() == [
        ["p1", 1, "a", 2.0, "because you looked at Xylophone", "4"],
        ["p1", 2, "b", 1.5, "because you looked at unlisted", "4"],
        ["p3", 1, "c", 7.0, "popular with everyone right now", "4"],
    ]


def test_popularity_ranks_by_acts_without_what_was_seen():
    items = pd.DataFrame({"item_id": ["a", "b", "c", "d"], "interactions": [3, 9, 3, 0]})
    answers = popularity(items)(pd.DataFrame({"history": [[], ["b", "x"]]}))
    assert answers["items"].tolist() == [["b", "a", "c"], ["a", "c"]]
    assert answers["scores"].tolist() == [[9.0, 3.0, 3.0], [3.0, 3.0]]
    assert answers["because"].tolist() == [[None] * 3, [None] * 2]
