"""Lists of rankings by the rules, small ones by hand; and of random towns, against what each rule says of a list."""

from __future__ import annotations

import datetime
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from lake_tables.shown.catalogue import Catalogue
from lake_tables.shown.rules import Diversity, ListRules, Names, NewItems, Rules
from lake_tables.shown.showcase import Showcase

DAY = datetime.date(2026, 11, 20)
NO, YES = False, True


def catalogue(**columns) -> Catalogue:
    count = len(next(iter(columns.values())))
    return Catalogue.of(pd.DataFrame({"item_id": [*"abcdefghij"[:count]], **columns}))


def lists(items: Catalogue, rules: ListRules | Rules, ranking: str, count: int = 10, scores=None, **more) -> list[str]:
    """The list of a ranking, as letters."""
    rules = rules if isinstance(rules, Rules) else Rules(everywhere=rules)
    showcase = Showcase.of(
        items, rules, DAY, **{name: more.pop(name) for name in ("category", "vectors") if name in more}
    )
    ranked = items.places([*ranking])[None]
    chosen = showcase.choose(ranked, None if scores is None else np.array([scores]), count, **more)
    return "".join(items.item_ids[chosen.items[0][chosen.items[0] >= 0]])


def test_what_can_be_had_is_in_stock_begun_and_not_ended():
    items = catalogue(
        available=[None, NO, None, None, None, None, None],
        in_stock=[None, YES, NO, YES, YES, YES, YES],
        available_from=[None, None, None, DAY, DAY + datetime.timedelta(1), None, None],
        available_until=[None, None, None, None, None, DAY, DAY - datetime.timedelta(1)],
    )
    assert lists(items, ListRules(), "gfedcba") == "fda"
    before = Catalogue.of(pd.DataFrame({"item_id": ["a", "b"], "available": [YES, NO]}))
    assert before.available_on(DAY).tolist() == [YES, NO], "of a release that knew no more"
    far = catalogue(available_until=[datetime.date(2999, 12, 31), None], available_from=[datetime.date(1990, 1, 1)] * 2)
    assert far.available_on(DAY).all()


def test_prices_and_exclusions():
    items = catalogue(
        price=[5.0, 10.0, 20.0, 20.01, None, 12.0, 12.0, 12.0],
        category=[None, "x", "x", "x", "x", "y", "x", "x"],
        brand=[None, None, None, None, None, None, "o", "p"],
    )
    rules = ListRules(
        least_price=10.0,
        most_price=20.0,
        excluded=Names(frozenset({"h", "unknown"}), frozenset({"y"}), frozenset({"o", "q"})),
    )
    assert lists(items, rules, "abcdefgh") == "bce"
    assert lists(items, rules, "habcdefgh", count=2) == "bc", "it is cut after that"


def test_new_items_get_their_share_of_a_list_and_no_more_than_they_are():
    items = catalogue(interactions=[9, 9, 9, 9, 9, 1, 0, 9, 2], in_stock=[YES] * 6 + [NO] + [YES] * 2)
    rules = Rules(new_items=NewItems(share=0.4, below=2))
    assert lists(items, rules, "abcdehfg", count=4) == "abfc", "g is sold out, i is not new: one place goes back"
    assert lists(items, rules, "fabcde", count=4) == "fabc", "it comes by itself"
    assert lists(items, rules, "abcdeh", count=4) == "abcd", "the ranking has none"
    pinned = Rules(ListRules(pinned_items=("d", "e", "a")), new_items=NewItems(0.5, 2))
    assert lists(items, pinned, "abcdehf", count=4) == "deaf", "pins stay"
    assert lists(catalogue(interactions=[9, 9, 9]), rules, "abc", count=2) == "ab"


def test_pinned_items_then_pinned_categories_then_the_others():
    items = catalogue(category=[*"xyzxyzxyz"], in_stock=[YES] * 7 + [NO, YES])
    rules = ListRules(pinned_items=("i", "h", "b"), pinned_categories={"z": 1, "y": 1})
    assert lists(items, rules, "acdefgi") == "ibceadfg"
    assert lists(items, rules, "acdefg", count=3) == "ibc"
    seen = (np.array([0]), items.places(["b"]))
    assert lists(items, rules, "acdefg", seen=seen) == "iceadfg", "who has acted on it is not shown it"
    again = items.places(["g", "h"])[None]
    assert lists(items, rules, "acdef", first=again) == "ibgceadf"


def test_at_most_so_many_of_a_category_and_of_a_brand():
    items = catalogue(category=[*"xxxxyy", None, None, None], brand=[*"oopopp", None, None, None])
    assert lists(items, ListRules(most_of_category=2), "abcdefghi") == "abefghi"
    assert lists(items, ListRules(most_of_brand=1), "abcdefghi") == "acghi"
    # the brand keeps b out, which therefore takes no place of the category's two
    assert lists(items, ListRules(most_of_category=2, most_of_brand=1), "abdcefghi") == "acghi"
    assert lists(items, ListRules(most_of_category=1), "abcdefghi", category="x") == "abcd", "it carries no other"


def test_a_title_stands_in_a_list_once():
    items = catalogue(title=[*"AABBC"])
    assert lists(items, ListRules(), "bacde") == "bce"
    assert lists(items, ListRules(pinned_items=("a",)), "bacde") == "ace"


def test_limits_are_kept_where_the_first_pool_is_too_small():
    items = Catalogue.of(pd.DataFrame({"item_id": [f"i{n}" for n in range(200)], "category": ["x"] * 150 + ["y"] * 50}))
    showcase = Showcase.of(items, Rules(everywhere=ListRules(most_of_category=2)), DAY)
    chosen = showcase.choose(np.arange(200)[None], count=4)
    assert chosen.items.tolist() == [[0, 1, 150, 151]]
    assert chosen.complete.tolist() == [YES]
    assert showcase.choose(np.arange(100)[None], count=4).complete.tolist() == [NO], "a longer ranking has more"


def test_diversity_is_maximal_marginal_relevance_by_hand():
    """Relevance 1, 0.9, 0.8, 0; b shares category and brand with a, c the category alone."""
    items = catalogue(category=[*"xxxy"], brand=[*"oopq"])
    scores = [10.0, 9.0, 8.0, 0.0]
    # after a: b 0.9 / 2 - 1 / 2 = -0.05, c 0.8 / 2 - 0.5 / 2 = 0.15, d 0; after c: b -0.05, d 0
    assert lists(items, Rules(diversity=Diversity(0.5)), "abcd", scores=scores) == "acdb"
    assert lists(items, Rules(diversity=Diversity(0.05)), "abcd", scores=scores) == "abcd"
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.6, 0.8]])
    by_vectors = Rules(diversity=Diversity(0.5, "vectors"))
    # after a: b 0.45 - 0, c 0.4 - 0.5, d 0 - 0.3; after b: c -0.1, d 0 - 0.4
    assert lists(items, by_vectors, "abcd", scores=scores, vectors=vectors) == "abcd"
    assert lists(items, by_vectors, "abcd", count=2, scores=[10.0, 5.0, 9.9, 0.0], vectors=vectors) == "ab"


def test_a_margin_counts_for_its_weight_and_an_unknown_one_is_the_usual():
    items = catalogue(margin=[0.0, 1.0, None, 0.5])
    # relevance 1, 0.9, 0.45, 0; worth 0.8, 0.92, 0.46, 0.1
    assert lists(items, Rules(margin_weight=0.2), "abcd", scores=[10.0, 9.0, 4.5, 0.0]) == "bacd"
    assert lists(items, Rules(margin_weight=0.01), "abcd", scores=[10.0, 9.0, 4.5, 0.0]) == "abcd"


def test_what_was_passed_over_is_what_would_have_been_shown():
    items = catalogue(in_stock=[NO, YES, YES, NO, YES, NO], category=[*"xxxyxx"])
    showcase = Showcase.of(items, Rules(everywhere=ListRules(excluded=Names(categories=frozenset("y")))), DAY)
    chosen = showcase.choose(np.array([[0, 1, 2, 3, 5, 4], [1, 2, 4, 0, 3, 5]]), count=3)
    assert chosen.items.tolist() == [[1, 2, 4], [1, 2, 4]]
    assert list(zip(chosen.passed_people, chosen.passed_items, strict=True)) == [(0, 0), (0, 5)], "3 is excluded anyway"
    short = showcase.choose(np.array([[1, 0, -1]]), count=3)
    assert short.passed_items.tolist() == [0], "of a list that is not full, all"


def test_a_list_is_ordered_among_a_pool_and_says_which():
    items = catalogue(in_stock=[YES, YES, NO, YES], category=[*"xyxx"])
    ranked = np.array([[0, 1, 2, 3], [3, 0, -1, -1]])
    chosen = Showcase.of(items, Rules(diversity=Diversity(0.5)), DAY).choose(ranked, count=1)
    assert list(zip(chosen.pool_people, chosen.pool_items, strict=True)) == [(0, 0), (0, 1), (0, 3), (1, 3), (1, 0)]
    assert chosen.passed_items.tolist() == [2]
    assert not len(Showcase.of(items, Rules(), DAY).choose(ranked, count=1).pool_items), "in the ranking's own order"


@pytest.mark.parametrize("people", [0, 2])
def test_nothing_to_choose_from_is_an_empty_list(people):
    for rules in (Rules(), Rules(diversity=Diversity(0.5), everywhere=ListRules(most_of_category=1))):
        showcase = Showcase.of(catalogue(category=[*"xy"]), rules, DAY)
        none = Showcase.of(Catalogue.of(pd.DataFrame({"item_id": pd.Series([], dtype=object)})), rules, DAY)
        assert (none.choose(np.full((people, 3), -1)).items < 0).all()
        for ranked in (np.full((people, 3), -1), np.empty((people, 0), int)):
            chosen = showcase.choose(ranked, np.zeros(ranked.shape))
            assert (chosen.items.shape, (chosen.items < 0).all(), chosen.complete.any()) == ((people, 10), YES, NO)


def random_town(random: np.random.Generator) -> tuple[Catalogue, Rules]:
    """Items of which a third cannot be had, and rules of every kind, each of them there or not."""
    count = int(random.integers(5, 120))
    days = [None, *(DAY + datetime.timedelta(int(days)) for days in (-30, -1, 0, 1, 30))]
    frame = pd.DataFrame(
        {
            "item_id": [f"i{number}" for number in range(count)],
            "title": [f"t{number}" for number in random.integers(0, count, count)],
            "category": random.choice(["a", "b", "c", "d", None], count),
            "brand": random.choice(["o", "p", "q", None], count),
            "price": np.where(random.random(count) < 0.1, np.nan, random.uniform(1, 100, count)),
            "margin": np.where(random.random(count) < 0.5, np.nan, random.random(count)),
            "available": random.choice([None, True, True, True, False], count),
            "in_stock": random.choice([None, True, True, True, False], count),
            "available_from": random.choice(days, count),
            "available_until": random.choice([None, None, *days], count),
        }
    )

    def maybe(value, otherwise=None):
        return value if random.random() < 0.5 else otherwise

    excluded = Names(
        frozenset(maybe(frame["item_id"].sample(3, random_state=1).tolist(), [])),
        frozenset(maybe(["a"], [])),
        frozenset(maybe(["o"], [])),
    )
    everywhere = ListRules(
        least_price=maybe(10.0),
        most_price=maybe(80.0),
        excluded=excluded,
        pinned_items=tuple(maybe(frame["item_id"].sample(4, random_state=2).tolist(), [])),
        pinned_categories=maybe({"b": 2}, {}),
        most_of_category=maybe(int(random.integers(1, 4))),
        most_of_brand=maybe(int(random.integers(1, 4))),
    )
    rules = Rules(
        everywhere=everywhere,
        campaigns={"own": ListRules(most_price=50.0, pinned_items=("i1",), excluded=Names(brands=frozenset({"p"})))},
        diversity=maybe(Diversity(0.4)),
        margin_weight=maybe(0.3, 0.0),
    )
    return Catalogue.of(frame), rules


def forbidden(items: Catalogue, rules: ListRules, item: int) -> bool:
    """By the words of the rules, an item at a time."""
    first, last = items.first_days[item], items.last_days[item]
    category, brand = items.categories[item], items.brands[item]
    return bool(
        not items.sold[item]
        or (not np.isnat(first) and first > np.datetime64(DAY))
        or (not np.isnat(last) and last < np.datetime64(DAY))
        or (rules.least_price is not None and items.prices[item] < rules.least_price)
        or (rules.most_price is not None and items.prices[item] > rules.most_price)
        or items.item_ids[item] in rules.excluded.items
        or (category >= 0 and items.category_names[category] in rules.excluded.categories)
        or (brand >= 0 and items.brand_names[brand] in rules.excluded.brands)
    )


@pytest.mark.parametrize("seed", range(50))
def test_no_list_of_a_random_town_holds_what_it_may_not(seed):
    random = np.random.default_rng(seed)
    items, rules = random_town(random)
    ranked = np.stack([random.permutation(len(items)) for _ in range(20)])
    ranked[random.random(ranked.shape) < 0.05] = -1
    scores = -np.sort(-random.random(ranked.shape), axis=1)
    for campaign, here in ((None, rules.everywhere), ("own", rules.of_campaign("own"))):
        showcase = Showcase.of(items, rules, DAY, campaign=campaign)
        may = [item for item in range(len(items)) if not forbidden(items, here, item)]
        assert np.flatnonzero(showcase.may).tolist() == may
        chosen = showcase.choose(ranked, scores)
        again = showcase.in_order(chosen.items, 5).items
        full = [row[row >= 0].tolist() for row in chosen.items]
        for row, shown in enumerate([*full, *(one[one >= 0].tolist() for one in again)]):
            assert set(shown) <= set(may)
            for labels, most in (
                (items.titles, 1),
                (items.categories, here.most_of_category),
                (items.brands, here.most_of_brand),
            ):
                counted = Counter(labels[shown][labels[shown] >= 0].tolist())
                assert most is None or max(counted.values(), default=0) <= most
            if row >= len(full) or len(shown) == 10:
                continue
            others = set(may) & set(ranked[row].tolist()) - set(shown)  # of these none could stand in the list, too
            for other in others:
                longer = np.array([*shown, other])
                limits = (
                    (items.titles, 1),
                    (items.categories, here.most_of_category),
                    (items.brands, here.most_of_brand),
                )
                assert any(
                    most is not None and labels[other] >= 0 and (labels[longer] == labels[other]).sum() > most
                    for labels, most in limits
                )
