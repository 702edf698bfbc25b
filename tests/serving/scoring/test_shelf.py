"""What is kept of a ranking: filtered before it is cut, so that nobody gets less than there is."""

from __future__ import annotations

import datetime
from types import SimpleNamespace

import numpy as np
import pandas as pd

from lake_tables.shown.rules import ListRules, Rules
from serving.scoring.champions import Champion
from serving.scoring.recommendations import popularity, ranked_by, rankings_of
from serving.scoring.shelf import Demand, Shelf, campaign_demand

DAY = datetime.date(2026, 11, 20)
CATALOGUE = pd.DataFrame(
    {
        "item_id": [f"i{number:03d}" for number in range(600)],
        "title": [f"Title {number}" for number in range(600)],
        "category": ["running" if number % 12 == 11 else "music" for number in range(600)],
        "interactions": range(600, 0, -1),
    }
)


class Ranker:
    """A served model that ranks all items in one order for everybody, and notes how long its answers were."""

    def __init__(self, order):
        self.order, self.lengths = list(order), []
        knows = SimpleNamespace(params=[SimpleNamespace(name="k")])
        self.metadata = SimpleNamespace(get_params_schema=lambda: knows)

    def predict(self, rows, params):
        self.lengths.append(params["k"])
        best = self.order[: params["k"]]
        return pd.DataFrame({"items": [best] * len(rows), "scores": [list(range(len(best), 0, -1))] * len(rows)})


def kept(shelf, order, people=1):
    ranker = Ranker(order)
    rows = pd.DataFrame({"history": [[]] * people})
    answers = ranked_by(rankings_of(Champion("next_item/1", ranker), ["history"], shelf), rows, shelf)
    assert answers["items"].map(len).tolist() == answers["scores"].map(len).tolist()
    return answers["items"].tolist(), ranker.lengths


def test_none_of_the_items_that_ended_is_recommended_and_the_ten_are_full():
    """The newest catalogue marks 300 of 600 items as unavailable, the best ones among them."""
    ended = CATALOGUE.assign(available=[False] * 300 + [None] * 150 + [True] * 150)
    shelf = Shelf.of(ended, DAY)
    found, lengths = kept(shelf, CATALOGUE["item_id"], people=3)
    assert found == [[f"i{number:03d}" for number in range(300, 310)]] * 3
    assert lengths == [40, 160, 640]
    assert (shelf.barred, shelf.passed_over, shelf.people_passed_over) == (300, 900, 3)
    by_acts = popularity(Shelf.of(ended, DAY))(pd.DataFrame({"history": [["i300"]]}))
    assert by_acts["items"].tolist() == [[f"i{number:03d}" for number in range(301, 311)]]


def test_each_person_gets_the_best_of_a_campaigns_category_too():
    """Nobody gets nothing because none of the category was among the ten that lead."""
    shelf = Shelf.of(CATALOGUE, DAY, Demand({"running": 3}))
    [found], _ = kept(shelf, CATALOGUE["item_id"])
    assert found == [*(f"i{number:03d}" for number in range(10)), "i011", "i023", "i035"]
    [found], _ = kept(shelf, ["i011", "i023", "i035", *CATALOGUE["item_id"][:9]])
    assert found == ["i011", "i023", "i035", *(f"i{number:03d}" for number in range(7))]
    [found], lengths = kept(Shelf.of(CATALOGUE, DAY, Demand({"opera": 3})), CATALOGUE["item_id"])
    assert len(found) == 10
    assert lengths == [10], "nobody is ranked further for a category without items"
    [found], lengths = kept(Shelf.of(CATALOGUE[:13], DAY, Demand({"running": 3})), CATALOGUE["item_id"][:13])
    assert (found[10:], lengths) == (["i011"], [40]), "nor further than it has"


def test_variants_stand_in_a_list_once():
    catalogue = CATALOGUE.assign(title=["Ukulele"] * 3 + CATALOGUE["title"].tolist()[3:])
    [found], lengths = kept(Shelf.of(catalogue, DAY), CATALOGUE["item_id"])
    assert found == ["i000", *(f"i{number:03d}" for number in range(3, 12))]
    assert lengths == [10, 40]


def test_a_ranking_that_is_long_enough_is_asked_for_once():
    found, lengths = kept(Shelf.of(CATALOGUE, DAY), CATALOGUE["item_id"], people=2)
    assert np.unique([len(one) for one in found]).tolist() == [10]
    assert lengths == [10]


def test_categories_are_those_of_the_campaigns_that_can_be_read(tmp_path):
    for name, text in {
        "a": "items: {count: 2, category: running}",
        "b": "items: {count: 5, category: running}",
        "c": "items: {category: music}",
        "d": "items: {count: 4}",
        "e": "items: [",
        "f": "items: {count: many, category: opera}",
        "g": "about: nothing",
    }.items():
        (tmp_path / f"{name}.yml").write_text(text)
    assert campaign_demand(tmp_path) == Demand({"running": 5, "music": 3}, most=4)
    assert campaign_demand(tmp_path / "none") == Demand({}, most=10)
    (tmp_path / "a.yml").write_text("items: {count: 2, category: running}\nexplore: {share: 0.1}")
    (tmp_path / "d.yml").write_text("items: {count: 4}\nexplore: {share: 0.1}")
    assert campaign_demand(tmp_path) == Demand({"running": 10, "music": 3}, most=10), "what is drawn needs reasons too"


def test_a_first_ranking_is_as_long_as_its_rarest_category_asks():
    items = pd.DataFrame({"item_id": [f"i{n}" for n in range(1000)], "category": ["rare"] * 20 + ["common"] * 980})
    assert Shelf.of(items, DAY).likely_length == 10
    assert Shelf.of(items, DAY, Demand({"common": 3})).likely_length == 40
    assert Shelf.of(items, DAY, Demand({"rare": 3, "common": 3})).likely_length == 300, "twice what one in fifty asks"
    assert Shelf.of(items, DAY, Demand({"nowhere": 3})).likely_length == 10


def test_what_can_leave_is_what_a_campaign_takes_of_all_items_or_of_its_category():
    names = ["a", "b", "m", "n", "o"]
    items = pd.DataFrame({"item_id": names, "category": ["books", None, "music", "music", "music"]})
    shelf = Shelf.of(items, DAY, Demand({"music": 2}, most=1))
    for order, expected in (("abmno", [True, False, True, True, False]), ("mabno", [True, False, False, True, False])):
        [kept] = shelf.pick(shelf.catalogue.places([*order])[None], np.zeros((1, 5))).lists(shelf)
        assert ("".join(kept.items), kept.leaves) == (order, expected)


def test_a_campaign_with_rules_of_its_own_gets_a_list_of_its_own():
    """The ten are too dear for it; what else it carries stands behind them, and what was passed over is known."""
    prices = CATALOGUE.assign(price=[50.0] * 20 + [5.0] * 580, in_stock=[True] * 20 + [False] + [True] * 579)
    rules = Rules(campaigns={"cheap": ListRules(most_price=10.0, most_of_category=2)})
    shelf = Shelf.of(prices, DAY, Demand(most=0, own={"cheap": (None, 3)}), rules)
    [kept] = shelf.pick(np.arange(40)[None], np.arange(40.0, 0, -1)[None]).lists(shelf)
    assert kept.items == [*(f"i{number:03d}" for number in range(10)), "i021", "i022", "i023"]
    assert kept.leaves == [False] * 10 + [True] * 3
    assert (kept.passed[-2:], kept.missed) == (["i019", "i020"], 0)
    assert kept.scores == [float(40 - int(item[1:])) for item in kept.items]
