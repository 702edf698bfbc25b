from __future__ import annotations

import numpy as np

from bench.new_items import cases, measures, without_items
from lake_tables.described_items import DescribedItems
from training.sequences.histories import Sequences

IDS = np.array(["a", "b", "c", "d"], object)
SEQUENCES = Sequences(
    person_ids=np.array(["p", "q", "r"]),
    item_ids=IDS,
    acts=np.array([0, 1, 2, 3, 1, 0, 2], "int32"),
    times=np.arange(7).astype("datetime64[s]").astype("datetime64[us]"),
    offsets=np.array([0, 4, 6, 7]),
    described=DescribedItems(IDS, IDS, np.arange(4.0), np.zeros((4, 0), "float32")),
)
NEW = np.array([False, True, False, True])


def test_nothing_is_left_of_items_that_are_left_out():
    kept = without_items(SEQUENCES, NEW)
    assert kept.item_ids.tolist() == ["a", "c"]
    assert kept.acts.tolist() == [0, 1, 0, 1]
    assert kept.offsets.tolist() == [0, 2, 3, 4]
    assert kept.described.prices.tolist() == [0.0, 2.0]


def test_an_act_on_a_new_item_is_ranked_by_those_on_others_before_it():
    histories, targets = cases(SEQUENCES, NEW)
    assert [history.tolist() for history in histories] == [[0], [0, 2]]  # q began with a new one
    assert targets.tolist() == [0, 1]


def test_ties_lose():
    scores = np.array([[1.0, 2.0, *[0.0] * 10], [0.0] * 12])
    assert measures(scores, np.array([0, 3])) == {"recall@10": 0.5, "ndcg@10": 0.3155}
