"""rules.yml: what it says, and what is refused with its line."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from contracts.errors import SettingsError
from contracts.settings import REPOSITORY
from lake_tables.shown.catalogue import Catalogue
from lake_tables.shown.rules import BuyAgain, Diversity, ListRules, Names, NewItems, Rules, read_rules

WHOLE = """\
price: {at_least: 1, at_most: 500}
excluded: {items: [i-1, 7], categories: gift cards}
pinned: {items: i-7, categories: {running: 2}}
at_most: {category: 3}
diversity: {weight: 0.3}
margin: {weight: 0.1}
new_items: {share: 0.15, below: 3}
buy_again: {categories: [pets], places: 1}
campaigns:
  page:
    price: {at_least: 5}
    excluded: {brands: [Acme]}
    pinned: {items: [i-8, i-7]}
    at_most: {category: 2, brand: 1}
"""


def read(folder, text: str, campaigns=("page", "letter")) -> Rules:
    (folder / "rules.yml").write_text(text)
    return read_rules(folder / "rules.yml", campaigns)


def test_the_rules_that_come_with_it_let_everything_pass():
    rules = read_rules(REPOSITORY / "serving" / "rules.yml", [])
    assert rules == Rules(sha256=rules.sha256)


def test_the_example_in_the_bundled_file_is_one(tmp_path):
    lines = (REPOSITORY / "serving" / "rules.yml").read_text().splitlines()
    example = [line[2:] for line in lines if re.match(r"# ( {2})?\w+: ?(\{|$)", line)]
    assert len(example) == 10
    rules = read(tmp_path, "\n".join(example), ["front_page"])
    assert rules.of_campaign("front_page").most_of_category == 2


def test_what_each_key_says(tmp_path):
    rules = read(tmp_path, WHOLE)
    assert rules.everywhere == ListRules(
        least_price=1,
        most_price=500,
        excluded=Names(items=frozenset({"i-1", "7"}), categories=frozenset({"gift cards"})),
        pinned_items=("i-7",),
        pinned_categories={"running": 2},
        most_of_category=3,
    )
    assert rules.diversity == Diversity(0.3, "labels")
    assert rules.new_items == NewItems(0.15, 3)
    assert [rules.new_items.places(count) for count in (10, 3, 20)] == [2, 1, 3]
    assert rules.margin_weight == 0.1
    assert rules.buy_again == BuyAgain(Names(categories=frozenset({"pets"})), places=1)
    page = rules.of_campaign("page")
    assert (page.least_price, page.most_price, page.most_of_category, page.most_of_brand) == (5, 500, 2, 1)
    assert page.excluded == Names(frozenset({"i-1", "7"}), frozenset({"gift cards"}), frozenset({"Acme"}))
    assert (page.pinned_items, page.pinned_categories) == (("i-8", "i-7"), {"running": 2})
    assert rules.of_campaign("letter") == rules.everywhere


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("prise: {at_least: 1}", r"line 1 of rules.yml.*'prise'; did you mean 'price'"),
        ("price: {at_least: 9, at_most: 3}", r"a price of at least 9 in line 1 of rules.yml \(price.at_most\).*3"),
        ("price: {at_least: -1}", "a number from 0"),
        ("margin: {weight: 1}", "a weight above 0 and below 1 in line 1"),
        ("diversity: {weight: 0.5, by: colour}", "one of labels, vectors in line 1"),
        ("at_most: {category: 0}", "a whole number from 1 to 10 in line 1"),
        ("\npinned: {items: [a, b, c, d, e, f, g, h, i, j, k]}", "at most 10 pinned items in line 2"),
        ("buy_again: {places: 2}", "items, categories or brands of consumables in line 1"),
        ("campaigns: {pages: {}}", r"one of page, letter in line 1 .*did you mean 'page'"),
        ("campaigns: {page: {diversity: {weight: 0.5}}}", "line 1 of rules.yml .campaigns.page.diversity"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_line(tmp_path, text, sentence):
    with pytest.raises(SettingsError, match=sentence):
        read(tmp_path, text)


def test_no_file_is_a_sentence(tmp_path):
    with pytest.raises(SettingsError, match="NIGHTSHIFT_RULES"):
        read_rules(tmp_path / "rules.yml", [])


def test_names_that_no_item_has_are_said_and_nothing_ends(tmp_path):
    items = Catalogue.of(pd.DataFrame({"item_id": ["i-1", "i-7", "7"], "category": ["pets", "runing", None]}))
    assert read(tmp_path, WHOLE).unknown_names(items) == [
        "line 2 of rules.yml names 'gift cards', which no item has",
        "line 3 of rules.yml names 'running', which no item has; did you mean 'runing'?",
        "line 12 of rules.yml names 'Acme', which no item has",
        "line 13 of rules.yml names 'i-8', which no item has",
    ]
