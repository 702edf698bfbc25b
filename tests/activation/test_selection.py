import datetime

import numpy as np
import pandas as pd
import pytest

from activation.audiences.campaigns import Campaign
from activation.audiences.draft import Draft
from activation.audiences.selection import matches, select_audience
from contracts.errors import LakeError
from lake_tables.shown.catalogue import Catalogue
from lake_tables.shown.rules import ListRules, Names, Rules
from lake_tables.shown.showcase import Showcase

ITEMS = pd.DataFrame({"item_id": ["a", "b", "c"], "title": ["A", "B", "C"], "category": ["x", "y", "x"]})


def profiles(**columns):
    people = len(next(iter(columns.values())))
    yes = [True] * people
    return pd.DataFrame(
        {
            "person_id": [f"p{number}" for number in range(people)],
            "consent_profiling": yes,
            "consent_personalisation": yes,
            "consent_marketing_contact": yes,
        }
        | columns
    )


def audience(chosen, people, ranked, items=ITEMS, rules=None):
    """The audience of a campaign on a day in November."""
    day = datetime.date(2026, 11, 20)
    showcase = Showcase.of(
        Catalogue.of(items), rules or Rules(), day, campaign=chosen.name, category=chosen.item_category
    )
    return select_audience(chosen, people, ranked, items, showcase)


def campaign(**changes):
    return Campaign(
        **({"name": "n", "about": "", "purpose": "marketing_contact", "item_count": 2, "item_category": None} | changes)
    )


def scores(*rows):
    return pd.DataFrame(
        [
            {"person_id": person, "rank": rank, "item_id": item, "reason": f"because {item}"}
            for person, rank, item in rows
        ]
    )


@pytest.mark.parametrize(
    ("who", "column", "values", "inside"),
    [
        (
            {"likes": {"x": 0.3}},
            "interests",
            [[{"category": "x", "weight": 0.3}], [{"category": "x", "weight": 0.2}], [], None],
            [True, False, False, False],
        ),
        ({"one_of": {"region": ("north", "east")}}, "region", ["north", "west", "east"], [True, False, True]),
        ({"segments": ("s", "t")}, "segments", [["t"], ["u"], [], None], [True, False, False, False]),
        ({"at_most": {"recency_days": 30}}, "recency_days", [30, 31, None], [True, False, False]),
        ({"at_least": {"frequency": 2}}, "frequency", [1, 2], [False, True]),
    ],
)
def test_conditions(who, column, values, inside):
    assert matches(campaign(**who), profiles(**{column: values})).tolist() == inside


def test_all_conditions_must_hold():
    people = profiles(region=["north", "north", "south"], frequency=[5, 0, 5])
    both = campaign(one_of={"region": ("north",)}, at_least={"frequency": 1})
    assert matches(both, people).tolist() == [True, False, False]


def finished(audience, folder, *, smallest=1):
    """The account and the rows of an audience that comes in one batch."""
    draft = Draft("n", folder)
    draft.add(audience)
    account = draft.finish(smallest)
    rows = pd.read_parquet(draft.files["audience.parquet"])
    assert len(draft.files["audience.csv"].read_text().splitlines()) == 1 + len(rows)
    return account, rows


def test_everyone_is_counted_once_under_the_first_reason(tmp_path):
    people = profiles(
        region=["north", "north", "south", "north", "north", "south"],
        consent_marketing_contact=[True, False, True, True, True, True],
        consent_profiling=[True, True, True, True, True, False],
    )
    ranked = scores(("p0", 1, "a"), ("p0", 2, "b"), ("p1", 1, "a"), ("p2", 1, "a"), ("p3", 1, "b"))
    made = audience(campaign(one_of={"region": ("north",)}, item_category="x"), people, ranked)
    assert finished(made, tmp_path / "n")[0] == {
        "scored": 6,
        "exported": 1,  # p0
        "suppressed": {
            "no_consent": 2,
            "outside_audience": 1,
            "no_recommendation": 1,
            "small_group": 0,
        },  # p1 p5; p2; p3
        "failed": 1,  # p4 has no scores
    }


def test_who_has_no_profile_is_reached_by_a_campaign_that_asks_for_none():
    people = profiles(
        consent_profiling=[True, False],
        interests=[[{"category": "x", "weight": 0.3}], np.nan],
        segments=[np.array(["s"]), np.nan],
        frequency=[1.0, np.nan],
    )
    ranked = scores(("p0", 1, "a"), ("p1", 1, "a"))
    assert len(audience(campaign(), people, ranked).rows) == 2
    for who in ({"likes": {"x": 0.0}}, {"segments": ("s",)}, {"at_least": {"frequency": 0}}):
        made = audience(campaign(**who), people, ranked)
        assert made.rows["person_id"].tolist() == ["p0"]
        assert made.suppressed["no_consent"] == 1


def test_a_group_that_is_too_small_is_withheld_and_counted(tmp_path):
    made = audience(campaign(), profiles(region=["north"] * 3), scores(("p0", 1, "a"), ("p1", 1, "a")))
    assert made.failed == 1
    kept, rows = finished(made, tmp_path / "kept", smallest=2)
    assert (kept["exported"], len(rows), kept["suppressed"]["small_group"]) == (2, 2, 0)
    withheld, none = finished(made, tmp_path / "withheld", smallest=3)
    assert (withheld["exported"], len(none), withheld["suppressed"]["small_group"]) == (0, 0, 2)
    assert none.columns.tolist() == rows.columns.tolist() == made.rows.columns.tolist()


def test_one_row_a_person_with_places_in_order_and_gaps_empty():
    people = profiles(region=["north", "north"])
    ranked = scores(("p1", 3, "c"), ("p1", 1, "a"), ("p0", 1, "b"), ("p0", 2, "a"), ("p0", 3, "c"))
    made = audience(campaign(), people, ranked).rows
    assert made.fillna("").to_numpy().tolist() == [
        ["p0", "b", "B", "because b", "a", "A", "because a"],
        ["p1", "a", "A", "because a", "c", "C", "because c"],
    ]
    made = audience(campaign(item_category="y"), people, ranked).rows
    assert made.fillna("").to_numpy().tolist() == [["p0", "b", "B", "because b", "", "", ""]]


def test_a_person_who_stands_twice_is_an_error_not_an_audience(tmp_path):
    people = pd.concat([profiles(region=["north"])] * 2, ignore_index=True)
    made = audience(campaign(), people, scores(("p0", 1, "a")))
    with pytest.raises(LakeError, match="2 people of audience n = exported"):
        finished(made, tmp_path / "n")


STOCKED = ITEMS.assign(
    in_stock=[False, None, True], available_from=[None, None, datetime.date(2026, 11, 20)], brand=["o", "o", "p"]
)


def shown(made):
    return [[item for item in row if pd.notna(item)] for row in made.rows.filter(regex=r"^item_\d$").to_numpy(object)]


def test_a_list_holds_what_can_be_had_and_what_the_rules_let_into_it():
    people = profiles(region=["north", "north"])
    ranked = scores(("p0", 1, "a"), ("p0", 2, "b"), ("p0", 3, "c"), ("p1", 1, "a"), ("p1", 2, "gone"))
    made = audience(campaign(), people, ranked, STOCKED)
    assert (made.rows["person_id"].tolist(), shown(made)) == (["p0"], [["b", "c"]])
    assert made.suppressed["no_recommendation"] == 1
    rules = Rules(campaigns={"n": ListRules(excluded=Names(brands=frozenset({"o"})))})
    assert shown(audience(campaign(), people, ranked, STOCKED, rules)) == [["c"]]
    pins = Rules(campaigns={"n": ListRules(pinned_items=("c", "a"))})
    assert shown(audience(campaign(), people, ranked, STOCKED, pins)) == [["c", "b"]], "a cannot be had"
    assert shown(audience(campaign(name="m"), people, ranked, STOCKED, pins)) == [["b", "c"]], "of another campaign"


def test_what_a_campaign_draws_from_keeps_its_limits_too():
    """Whatever of it is drawn, no list has two of one category."""
    ranked = scores(("p0", 1, "a"), ("p0", 2, "c"), ("p0", 3, "b"))
    rules = Rules(everywhere=ListRules(most_of_category=1))
    made = audience(campaign(explore_share=0.5), profiles(region=["north"]), ranked, rules=rules)
    assert made.offered["item_id"].tolist() == ["a", "b"]
    only = campaign(explore_share=0.5, item_category="x")
    assert audience(only, profiles(region=["north"]), ranked, rules=rules).offered["item_id"].tolist() == ["a", "c"]
