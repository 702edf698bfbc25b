"""Which items are similar: the values of a hand, ties, and who may be named."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse

from serving.similarity import behaviour
from serving.similarity.behaviour import by_behaviour, read_acts
from serving.similarity.best import best_cells, best_pairs
from serving.similarity.content import by_content
from serving.similarity.items import Items


def catalogue(*rows: dict) -> Items:
    known = {"title": None, "category": "shoes", "price": 10.0, "interactions": 0, "available": True}
    filled = [{**known, "title": row["item_id"], **row} for row in rows]
    return Items.of(pa.Table.from_pylist(filled))


def neighbours(pairs, items: Items, item: str) -> list[tuple[str, float]]:
    ids = items.ids.to_pylist()
    return [
        (ids[other], score)
        for place, other, score in zip(pairs.items, pairs.neighbours, pairs.scores, strict=True)
        if ids[place] == item
    ]


def acts_of(items: Items, *histories: list[str]) -> scipy.sparse.csr_array:
    ids = items.ids.to_pylist()
    acts = np.zeros((len(histories), len(items)), "int32")
    for person, history in enumerate(histories):
        acts[person, [ids.index(item) for item in history]] = 1
    return scipy.sparse.csr_array(acts)


def test_behaviour_is_the_shrunk_cosine_where_enough_people_stand_behind():
    items = catalogue(*({"item_id": name} for name in "abcd"))
    # a: 8 people, b: 6, c: 9, d: 4; a and b share 6, a and c 5, a and d 4 (too few)
    histories = [["a", "b", "c", "d"]] * 4 + [["a", "b", "c"]] + [["a", "b"]] + [["a"]] * 2 + [["c"]] * 4
    found = by_behaviour(acts_of(items, *histories), items, most=20)
    b = round(6 / math.sqrt(8 * 6) * 6 / 16, 6)
    c = round(5 / math.sqrt(8 * 9) * 5 / 15, 6)
    assert neighbours(found, items, "a") == [("b", b), ("c", c)]
    assert neighbours(found, items, "d") == []
    assert neighbours(by_behaviour(acts_of(items, *histories), items, most=1), items, "a") == [("b", b)]


def test_what_ended_is_no_neighbour_and_has_some_and_variants_count_once():
    items = catalogue(
        {"item_id": "boot", "title": "Boot", "interactions": 9, "available": False},
        {"item_id": "sock", "title": "Sock", "interactions": 5},
        {"item_id": "sock_red", "title": "Sock", "interactions": 8},
        {"item_id": "lace", "title": "Lace", "interactions": 7},
    )
    histories = [["boot", "sock", "sock_red", "lace"]] * 6
    found = by_behaviour(acts_of(items, *histories), items, most=20)
    score = round(6 / 16, 6)
    assert neighbours(found, items, "boot") == [("sock_red", score), ("lace", score)], "ties: most people first"
    assert neighbours(found, items, "lace") == [("sock_red", score)]
    assert neighbours(found, items, "sock") == [("lace", score)]


def test_blocks_change_nothing_and_agree_with_plain_loops(monkeypatch):
    random = np.random.default_rng(5)
    items = catalogue(*({"item_id": f"i{number:02}", "interactions": int(random.integers(4))} for number in range(30)))
    acts = scipy.sparse.csr_array((random.random((200, 30)) < 0.25).astype("int32"))
    whole = by_behaviour(acts, items, most=20)
    monkeypatch.setattr(behaviour, "_PRODUCTS_A_BLOCK", 100)
    blocks = by_behaviour(acts, items, most=20)
    for name in ("items", "neighbours", "scores"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(blocks, name))
    dense = acts.toarray().astype(bool)
    for item in range(30):
        expected = []
        for other in range(30):
            common = int((dense[:, item] & dense[:, other]).sum())
            if other != item and common >= 5:
                cosine = common / math.sqrt(dense[:, item].sum() * dense[:, other].sum())
                expected.append((-round(cosine * common / (common + 10), 6), other))
        own = whole.items == item
        assert sorted(expected)[:20] == list(zip(-whole.scores[own], whole.neighbours[own], strict=True))


def test_content_is_words_and_price_within_a_category():
    items = catalogue(
        {"item_id": "a", "title": "Red running shoe", "price": 100.0},
        {"item_id": "b", "title": "Blue running shoe", "price": 50.0},
        {"item_id": "c", "title": "Sandal", "price": 100.0},
        {"item_id": "d", "title": "Sandal of leather", "price": None},
        {"item_id": "e", "title": "Red running shoe of paper", "category": "books"},
    )
    found = by_content(items, most=20, price_weight=0.2)
    rarity = {word: math.log(6 / (1 + count)) + 1 for word, count in (("red", 2), ("blue", 1), ("two", 3))}
    red, blue, shared = rarity["red"], rarity["blue"], rarity["two"]  # running and shoe stand in three titles
    cosine = 2 * shared**2 / math.sqrt((red**2 + 2 * shared**2) * (blue**2 + 2 * shared**2))
    expected = 0.8 * cosine + 0.2 * 0.5
    assert [name for name, _ in neighbours(found, items, "a")] == ["b", "c", "d"]
    scores = dict(neighbours(found, items, "a"))
    assert scores["b"] == pytest.approx(expected, abs=1e-5)
    assert scores["c"] == pytest.approx(0.2, abs=1e-5)
    assert scores["d"] == 0.0
    assert neighbours(found, items, "e") == []


def test_without_a_category_items_need_a_word_in_common():
    items = catalogue(
        *({"item_id": name, "title": title, "category": "unknown", "price": None} for name, title in UNKNOWN.items())
    )
    found = by_content(items, most=20)
    assert [name for name, _ in neighbours(found, items, "a")] == ["b"]
    assert neighbours(found, items, "c") == []
    assert len(by_content(Items.of(EMPTY), most=20).items) == 0


UNKNOWN = {"a": "Old lamp", "b": "New lamp", "c": "Chair", "d": "---"}
EMPTY = pa.table(
    {
        name: pa.array([], kind)
        for name, kind in (
            ("item_id", pa.string()),
            ("title", pa.string()),
            ("category", pa.string()),
            ("price", pa.float64()),
            ("interactions", pa.int64()),
        )
    }
)


def test_equal_scores_at_the_last_place_go_to_who_comes_first():
    scores = np.array([[0.5, 0.9, 0.5, 0.5, -1.0], [-1.0, -1.0, -1.0, 0.0, -1.0]])
    rows, columns = best_cells(scores, most=2)
    found = best_pairs(rows, columns, scores[rows, columns], most=2)
    assert list(zip(found.items, found.neighbours, strict=True)) == [(0, 1), (0, 0), (1, 3)]
    assert list(found.ranks()) == [1, 2, 1]


def test_the_latest_items_of_a_person_count(tmp_path, monkeypatch):
    items = catalogue(*({"item_id": name} for name in "abc"))
    histories = [["a", "unknown", "b"], [], None, ["c", "a", "b"]]
    pq.write_table(pa.table({"item_ids": pa.array(histories, pa.list_(pa.string()))}), tmp_path / "part-0.parquet")
    np.testing.assert_array_equal(read_acts(tmp_path, items).toarray(), [[1, 1, 0], [0] * 3, [0] * 3, [1, 1, 1]])
    monkeypatch.setattr(behaviour, "LATEST_ITEMS", 2)
    np.testing.assert_array_equal(read_acts(tmp_path, items).toarray(), [[0, 1, 0], [0] * 3, [0] * 3, [1, 1, 0]])
