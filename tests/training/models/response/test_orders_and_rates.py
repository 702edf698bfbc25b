"""Euros that outsiders write move no mean, and chances come true in every week of a lake that grows."""

import numpy as np
import pandas as pd
import pytest

from tests.training.models.response.test_response_learner import CONFIG, DS, QUIET, WEEKS, publish, town
from training.config import CONFIGS, read_config
from training.gate.decision import Compared, GateConfig, decide
from training.learner import Measured
from training.models.response.features import NumberColumns, Rate
from training.models.response.learner import LEARNER
from training.models.response.loading import NUMBERS
from training.models.response.orders import expected_over_realised, mean_orders, order_cap


def with_orders(rows: pd.DataFrame, places: np.ndarray, euros: float) -> pd.DataFrame:
    """The rows with a click and an order of so many euros in some of them."""
    return rows.assign(
        clicked=rows["clicked"].mask(np.isin(np.arange(len(rows)), places), True),
        purchased=rows["purchased"].mask(np.isin(np.arange(len(rows)), places), True),
        order_value=rows["order_value"].mask(np.isin(np.arange(len(rows)), places), euros),
    )


def test_three_orders_of_900_000_euros_move_no_mean_order(tmp_path):
    rows = town()
    bought = np.flatnonzero(rows["sent_on"] == WEEKS[0])
    places = bought[[1, 3, 5]]  # of campaign b
    honest = mean_orders(LEARNER.load(publish(tmp_path / "honest", rows), DS))
    claimed = mean_orders(LEARNER.load(publish(tmp_path / "claimed", with_orders(rows, places, 900_000.0)), DS))
    assert claimed[0] < 3 * honest[0]
    assert claimed[1]["a"] < 2 * honest[1]["a"]
    assert claimed[1]["b"] < 4 * honest[1]["b"]


def test_an_order_counts_with_at_most_ten_times_the_median():
    assert order_cap(np.array([10.0] * 4 + [900_000.0] * 3)) == 100
    assert order_cap(np.array([10.0, 20.0, 900_000.0])) == 100  # too few for a median: ten times the smallest
    assert order_cap(np.zeros(0)) == np.inf


def test_expected_euros_beside_those_that_came_by_hand():
    campaigns = np.array(["a", "b"] * 10)
    realised = np.array([20.0, 0.0] * 10)
    chances = np.full(20, 0.5)
    worth = {"order_value": 10.0, "order_values": {"a": 30.0}}
    # 0.5 of 30 and of 10 euros, half of the rows each: 10 expected, and 10 came.
    assert expected_over_realised(chances, campaigns, realised, **worth) == pytest.approx(1.0)
    # 900,000 counts as ten times the median, 200: (9 * 20 + 200) / 20 came.
    realised[0] = 900_000.0
    assert expected_over_realised(chances, campaigns, realised, **worth) == pytest.approx(10 / 19)
    assert expected_over_realised(chances, campaigns, np.where(campaigns == "a", 0.0, np.nan), **worth) is None


@pytest.mark.parametrize(
    ("metrics", "promoted"),
    [
        ({"click_ratio": 1.0, "expected_value_ratio": 1.2}, True),
        ({"click_ratio": 1.0, "expected_value_ratio": 3.5}, False),
        ({"click_ratio": 1.6, "expected_value_ratio": 1.2}, False),
        ({"click_ratio": 0.5, "expected_value_ratio": 1.2}, False),
        ({}, True),  # too few clicks and orders to say
    ],
)
def test_the_gate_holds_euros_and_chances_to_what_came(metrics, promoted):
    gate = read_config(CONFIGS / "gate.yml", GateConfig, sections=("every", "response"))
    good, rate = np.tile([0.8, 0.7], 50), np.full(100, 0.5)
    compared = Compared(
        unit="rows that clicked",
        challenger=Measured("click_auc", good, {"click_auc": 0.75, **metrics}),
        champion=None,
        baselines={"rate": Measured("click_auc", rate, {}), "logistic_regression": Measured("click_auc", good, {})},
        slices=pd.DataFrame({"region": ["north"] * 100}),
        score_difference=0.0,
    )
    decision = decide(gate, compared)
    assert decision.promoted is promoted
    if not metrics:
        assert "expected_value_ratio could not be measured on this data" in decision.reasons


def test_a_count_is_read_as_what_there_would_be_in_28_days():
    rows = pd.DataFrame({"carts": [2.0, 2.0, 6.0, 3.0], "days": [0.0, 13.0, 83.0, None]})
    since_the_beginning = NumberColumns(rates={"carts": Rate("days", fewest=7)})
    assert since_the_beginning.read(rows, "carts").tolist() == [8.0, 4.0, 2.0, 3.0]
    within_28_days = NumberColumns(rates={"carts": Rate("days", fewest=7, most=28)}, caps={"days": 27.0})
    assert within_28_days.read(rows, "carts").tolist() == [8.0, 4.0, 6.0, 3.0]
    np.testing.assert_array_equal(within_28_days.read(rows, "days"), [0.0, 13.0, 27.0, np.nan])


def growing(people: int = 1500) -> pd.DataFrame:
    """Eight weeks of a lake that began in the first: who comes often clicks often, every week alike."""
    draw = np.random.default_rng(5)
    often = draw.gamma(1.0, 1.0, people)  # visits in 28 days
    seen, tables = np.zeros((3, people), int), []
    for week in range(8):
        seen += draw.poisson(often / 4, (3, people))
        clicked = draw.random(people) < np.minimum(0.03 + 0.09 * often, 0.7)
        tables.append(
            pd.DataFrame(
                {
                    "person_id": [f"p{number:016x}" for number in range(people)],
                    "campaign": "a",
                    "treatment": "assumed",
                    "sent_on": WEEKS[0] + pd.Timedelta(days=7 * (week - 3)),
                    "campaign_visits": seen[0],
                    "same_campaign_visits": seen[1],
                    "carts": seen[2],
                    "tenure_days": 7 * (week + 1) - 1,
                    "recency_days": draw.integers(0, 7, people),
                    "acts_7_days": draw.poisson(often),
                    "clicked": clicked,
                    "purchased": False,
                    "churned": False,
                    "order_value": 0.0,
                }
            )
        )
    rows = pd.concat(tables, ignore_index=True)
    for name in (*NUMBERS, "age_band", "gender", "region", "main_device", "favourite_category"):
        if name not in rows:
            rows[name] = 0 if name in NUMBERS else "unknown"
    return rows


def test_chances_come_true_in_every_week_of_a_lake_that_grows(tmp_path):
    rows = growing()
    weeks = sorted(rows["sent_on"].unique())
    learned = rows[rows["sent_on"].isin(weeks[:5])]
    data = LEARNER.load(publish(tmp_path, learned), DS)
    fitted = LEARNER.fit(data, CONFIG, QUIET)
    found = {}
    for number, week in enumerate(weeks):
        of_week = rows[rows["sent_on"] == week]
        chances = fitted.score(*fitted.encode(of_week))[:, 0]
        found[number] = round(chances.mean() / of_week["clicked"].mean(), 2)
    # Week 0 has counts of a few days only; the weeks from 5 on come after all that was learned.
    assert all(0.75 < ratio < 1.33 for number, ratio in found.items() if number > 0), found
    assert LEARNER.measure(fitted, data).metrics["click_ratio"] == pytest.approx(found[4], abs=0.01)
