import numpy as np
import pandas as pd
import pytest

from training.config import CONFIGS, MODELS, read_config
from training.gate.decision import Compared, GateConfig, bootstrap_interval, decide, slice_table
from training.learner import Measured

GATE = GateConfig(tolerance=0.02, resamples=400, beat=("popularity",), slice_units=100, slice_tolerance=0.03)
POPULARITY = np.full(200, 0.05)


def people(mean):
    """NDCG@10 of 200 people: half of them a little above the mean, half a little below."""
    return mean + np.tile([0.01, -0.01], 100)


def measured(values, **metrics):
    return Measured("ndcg@10", values, {"ndcg@10": float(values.mean()), **metrics})


def outcome(
    challenger,
    champion,
    popularity=POPULARITY,
    score_difference=0.0,
    gate=GATE,
    groups=None,
    forgotten="",
    **metrics,
):
    compared = Compared(
        unit="people",
        challenger=measured(challenger, **metrics),
        champion=None if champion is None else measured(champion),
        baselines={"popularity": measured(popularity)},
        slices=pd.DataFrame({"region": ["north"] * len(challenger) if groups is None else groups}),
        score_difference=score_difference,
        forgotten=forgotten,
    )
    return decide(gate, compared)


@pytest.mark.parametrize(
    ("challenger", "champion", "popularity", "score_difference", "promoted"),
    [
        (0.30, None, 0.05, 0.0, True),
        (0.30, 0.30, 0.05, 0.0, True),
        (0.30, 0.25, 0.05, 0.0, True),
        (0.2995, 0.30, 0.05, 0.0, True),  # perhaps below, by chance
        (0.29, 0.30, 0.05, 0.0, False),  # surely below, however little
        (0.25, 0.30, 0.05, 0.0, False),
        (0.05, None, 0.05, 0.0, False),  # popularity is not beaten
        (0.30, None, 0.31, 0.0, False),
        (0.30, 0.30, 0.05, 1e-3, False),
        (0.30, None, 0.05, 1e-5, True),
        (0.04, 0.30, 0.05, 1e-3, False),
    ],
)
def test_truth_table(challenger, champion, popularity, score_difference, promoted):
    champion = None if champion is None else people(champion)[::-1]
    decision = outcome(people(challenger), champion, np.full(200, popularity), score_difference)
    assert decision.promoted is promoted


def test_a_refusal_states_both_numbers():
    decision = outcome(people(0.25), np.full(200, 0.30))
    assert len(decision.reasons) == 2  # the one group of 200 falls too
    assert decision.reasons[0].startswith("ndcg@10 0.2500 against 0.3000 of the champion on 200 people")
    assert decision.reasons[0].endswith("all of it below 0")


def test_a_loss_that_may_be_chance_is_refused_when_it_may_be_large():
    loses_to_half = np.tile([0.6, -0.6], 100)  # the mean of the difference is 0, its interval about -0.08 to +0.08
    decision = outcome(people(0.30) + loses_to_half, people(0.30))
    assert not decision.promoted
    assert decision.reasons[0].endswith("and must not be below -0.0200")


def test_every_broken_rule_is_named():
    decision = outcome(people(0.04), np.full(200, 0.30), score_difference=0.5)
    assert "against 0.0500 of popularity" in decision.reasons[0]
    assert "against 0.3000 of the champion" in decision.reasons[1]
    assert "region north" in decision.reasons[2]
    assert "by 5.0e-01, and at most 1.0e-05 is allowed" in decision.reasons[3]


def test_the_pairing_counts_not_the_spread_between_people():
    spread = np.tile([0.0, 1.0], 100)
    assert outcome(spread + 0.001, spread).promoted  # the same small gain for everyone, although people differ widely


def test_a_score_difference_that_is_no_number_is_refused():
    assert not outcome(people(0.3), None, score_difference=float("nan")).promoted


def test_interval_of_a_constant_is_the_constant():
    assert bootstrap_interval(np.full(50, 0.25), GATE) == (0.25, 0.25)


def test_interval_is_close_to_the_normal_one():
    differences = np.tile([1.0, -1.0], 200)  # mean 0, standard error 1 / sqrt(400) = 0.05
    low, high = bootstrap_interval(differences, GateConfig(resamples=2000))
    assert low == pytest.approx(-0.098, abs=0.01)
    assert high == pytest.approx(0.098, abs=0.01)


def test_a_group_that_falls_is_named_although_the_mean_rises():
    groups = ["north"] * 100 + ["south"] * 100
    falls = people(0.30) + np.repeat([0.2, -0.1], 100)
    decision = outcome(falls, people(0.30), groups=groups)
    assert not decision.promoted
    assert len(decision.reasons) == 1
    assert decision.reasons[0].startswith("region south: 0.2000 against 0.3000 of the champion on 100 people")


def test_a_small_group_is_not_judged():
    groups = ["north"] * 101 + ["south"] * 99
    assert outcome(people(0.30) + np.repeat([0.2, -0.1], [101, 99]), people(0.30), groups=groups).promoted


def test_floors_and_ceilings():
    gate = GateConfig(resamples=50, floors={"coverage@10": 0.5}, ceilings={"ece": 0.1})
    fine = {"coverage@10": 0.5, "ece": 0.1}
    assert outcome(people(0.3), None, gate=gate, **fine).promoted
    low = outcome(people(0.3), None, gate=gate, **{**fine, "coverage@10": 0.4})
    assert low.reasons == ["coverage@10 0.4000, below 0.5"]
    assert outcome(people(0.3), None, gate=gate, **{**fine, "ece": float("nan")}).promoted is False


def test_matching_a_baseline_allows_the_tolerance():
    gate = GateConfig(resamples=50, tolerance=0.02, match=("popularity",))
    assert outcome(people(0.30), None, np.full(200, 0.31), gate=gate).promoted
    assert not outcome(people(0.30), None, np.full(200, 0.33), gate=gate).promoted


def test_the_decision_names_a_baseline_that_could_not_be_measured():
    decision = outcome(people(0.3), None, gate=GateConfig(resamples=50, beat=("ease",)))
    assert decision.promoted
    assert decision.reasons[0] == "ease could not be measured on this data"


def test_groups_with_their_intervals():
    table = slice_table(measured(np.repeat([0.2, 0.4], 50)), pd.DataFrame({"k": ["a"] * 50 + ["b"] * 50}), GATE)
    assert table[["kind", "group", "units"]].to_numpy().tolist() == [["k", "a", 50], ["k", "b", 50]]
    for column in ("value", "low", "high"):
        assert table[column].tolist() == pytest.approx([0.2, 0.4])


@pytest.mark.parametrize("model", MODELS)
def test_the_gate_file_is_understood(model):
    gate = read_config(CONFIGS / "gate.yml", GateConfig, sections=("every", model))
    assert gate.score_tolerance == 1e-5
    assert gate.beat or gate.match


@pytest.mark.parametrize(
    ("challenger", "popularity", "promoted"),
    [
        (0.29, 0.05, True),  # surely worse, by less than the tolerance
        (0.22, 0.05, True),
        (0.19, 0.05, False),
        (0.29, 0.31, False),  # popularity is not beaten
    ],
)
def test_a_champion_of_people_who_are_to_be_forgotten_is_preferred_less(challenger, popularity, promoted):
    champion = people(0.30)
    decision = outcome(people(challenger), champion, np.full(200, popularity), forgotten="2 people since 2026-11-20")
    assert decision.promoted is promoted
    reason = "the champion learned from 2 people since 2026-11-20 who are to be forgotten"
    assert (reason in decision.reasons) is promoted
    assert not outcome(people(challenger), champion, np.full(200, popularity)).promoted
