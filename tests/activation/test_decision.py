"""What becomes of everybody, over random towns, policies and budgets: books exact, no rule broken."""

from __future__ import annotations

import numpy as np
import pytest

from activation.audiences.campaigns import Campaign
from activation.audiences.selection import CHOSEN, HELD_OUT, NO_CONSENT, OUTSIDE
from activation.planning.decision import decide
from activation.planning.policy import CampaignPolicy, ChannelPolicy, Policy
from activation.planning.rules import NO_LIMIT, Rules
from contracts.tables.activation import OUTCOMES
from contracts.tables.vocabulary import CHANNELS

CODE = {name: place for place, name in enumerate(OUTCOMES)}


def campaign(name: str, channel: str = "mail") -> Campaign:
    return Campaign(name, "", "marketing_contact", 3, None, channel=channel)


def no_rules(people: int, **changes) -> Rules:
    nobody = np.zeros(people, bool)
    return Rules(**{"suppressed": nobody, "quiet": nobody, "left": np.full(people, NO_LIMIT)} | changes)


def outcome(decision) -> list[list[str]]:
    return [[OUTCOMES[place] for place in row] for row in decision.outcomes]


def test_selection_and_plan_give_equal_places_to_equal_outcomes():
    assert tuple(map(CODE.get, ("planned", "no_consent", "outside", "held_out"))) == (
        CHOSEN,
        NO_CONSENT,
        OUTSIDE,
        HELD_OUT,
    )


def test_without_rules_everybody_gets_what_campaigns_ask_for():
    asked = np.array([[CHOSEN, CHOSEN, OUTSIDE], [CHOSEN, HELD_OUT, CHOSEN]], np.int8)
    expected = np.array([[1.0, np.nan, np.nan], [0.0, np.nan, 2.0]])
    made = decide([campaign("a"), campaign("b")], Policy(), asked, expected, {"mail": no_rules(3)}, 1)
    assert (made.outcomes == asked).all()
    assert made.channels["mail"].gap == 0


def test_the_first_reason_counts():
    rules = no_rules(5, suppressed=np.array([1, 1, 0, 0, 0], bool), quiet=np.array([0, 1, 1, 1, 0], bool))
    rules = Rules(rules.suppressed, rules.quiet, np.array([1, 1, 1, 0, 0]))
    asked = np.full((1, 5), CHOSEN, np.int8)
    made = decide([campaign("a")], Policy(), asked, np.full((1, 5), np.nan), {"mail": rules}, 1)
    assert outcome(made) == [["suppressed", "suppressed", "quiet", "quiet", "capped"]]


def test_one_message_goes_to_the_campaign_that_brings_more_less_its_cost():
    policy = Policy(
        channels={"mail": ChannelPolicy(one_message=True, cost_euros=0.1)},
        campaigns={"b": CampaignPolicy(cost_euros=0.5)},
    )
    asked = np.full((2, 4), CHOSEN, np.int8)
    expected = np.array([[1.0, 1.0, 0.05, np.nan], [1.2, 1.6, 0.4, 0.6]])
    made = decide([campaign("a"), campaign("b")], policy, asked, expected, {"mail": no_rules(4)}, 1)
    # 0.9 or 0.7; 0.9 or 1.1; both cost more than they bring; worth what it costs, or 0.1
    assert outcome(made) == [
        ["planned", "outbid", "outbid", "outbid"],
        ["outbid", "planned", "outbid", "planned"],
    ]
    assert made.channels["mail"].euros == pytest.approx(0.9 + 1.1 + 0.1)


def test_a_higher_priority_takes_people_whatever_they_are_worth_to_others():
    policy = Policy(
        channels={"mail": ChannelPolicy(one_message=True)}, campaigns={"service": CampaignPolicy(priority=1)}
    )
    asked = np.array([[CHOSEN, CHOSEN], [CHOSEN, OUTSIDE], [CHOSEN, OUTSIDE]], np.int8)
    expected = np.array([[9.0, 9.0], [np.nan, np.nan], [np.nan, np.nan]])
    names = [campaign("sale"), campaign("service"), campaign("page", "site")]
    rules = {"mail": no_rules(2), "site": no_rules(2)}
    made = decide(names, policy, asked, expected, rules, 1)
    assert outcome(made) == [["outbid", "planned"], ["planned", "outside"], ["planned", "outside"]]


def test_a_budget_pays_for_the_best_and_a_budget_of_zero_for_nobody():
    policy = Policy(
        campaigns={
            "a": CampaignPolicy(budget_euros=0.3, cost_euros=0.1),
            "b": CampaignPolicy(budget_euros=0.0, cost_euros=0.1),
        }
    )
    asked = np.full((2, 5), CHOSEN, np.int8)
    expected = np.array([[1.0, 3.0, 2.0, 3.0, 0.0], [1.0, 1.0, 1.0, 1.0, 1.0]])
    made = decide([campaign("a"), campaign("b")], policy, asked, expected, {"mail": no_rules(5)}, 1)
    assert outcome(made) == [["over_budget", "planned", "planned", "planned", "outbid"], ["over_budget"] * 5]


def test_a_small_group_is_written_to_by_nobody():
    asked = np.array([[CHOSEN] * 3, [CHOSEN, CHOSEN, OUTSIDE]], np.int8)
    made = decide([campaign("a"), campaign("b")], Policy(), asked, np.ones((2, 3)), {"mail": no_rules(3)}, 3)
    assert (made.channels["mail"].euros, made.channels["mail"].bound) == (3.0, 5.0)
    assert outcome(made) == [["planned"] * 3, ["small_group", "small_group", "outside"]]


@pytest.mark.parametrize("seed", range(50))
def test_random_towns(seed):
    random = np.random.default_rng(seed)
    people, count = int(random.integers(0, 80)), int(random.integers(1, 7))
    campaigns = [campaign(f"c{place}", str(random.choice(CHANNELS[:2]))) for place in range(count)]
    policy = Policy(
        channels={
            name: ChannelPolicy(one_message=bool(random.random() < 0.5), cost_euros=float(random.choice([0, 0.2])))
            for name in CHANNELS
        },
        campaigns={
            one.name: CampaignPolicy(
                priority=int(random.integers(0, 2)),
                budget_euros=float(random.choice([0.0, 1.0, 3.0])) if random.random() < 0.5 else None,
                cost_euros=float(random.choice([0.1, 0.5])),
            )
            for one in campaigns
        },
    )
    asked = random.choice([CHOSEN, CHOSEN, CHOSEN, NO_CONSENT, OUTSIDE, HELD_OUT], (count, people)).astype(np.int8)
    expected = np.where(random.random(asked.shape) < 0.2, np.nan, np.round(random.gamma(0.5, 1.0, asked.shape), 1))
    rules = {
        name: Rules(
            random.random(people) < 0.1, random.random(people) < 0.1, random.choice([0, 1, 2, NO_LIMIT], people)
        )
        for name in CHANNELS
    }
    smallest = int(random.integers(1, 6))
    made = decide(campaigns, policy, asked, expected, rules, smallest).outcomes

    assert made.shape == asked.shape
    assert (made[asked != CHOSEN] == asked[asked != CHOSEN]).all(), "whom selection refused stays refused"
    planned = made == CODE["planned"]
    for place, one in enumerate(campaigns):
        own, cost = policy.of_campaign(one.name), policy.cost_euros(one)
        assert sum((made[place] == code).sum() for code in CODE.values()) == people
        assert planned[place].sum() == 0 or planned[place].sum() >= smallest
        if own.budget_euros is not None:
            assert planned[place].sum() * cost <= own.budget_euros + 1e-9
        assert not (planned[place] & (expected[place] < cost)).any()
        assert not (planned[place] & rules[one.channel].suppressed).any()
        assert not (planned[place] & rules[one.channel].quiet).any()
    for name in CHANNELS:
        mine = np.array([one.channel == name for one in campaigns])
        messages = planned[mine].sum(0)
        assert (messages <= rules[name].left).all()
        if policy.of_channel(name).one_message:
            assert (messages <= 1).all()
