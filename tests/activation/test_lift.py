"""From one row a person to the rows of `lift`."""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa
import pytest

from activation.experiments.experiment import Experiment
from activation.experiments.lift import Window, lift
from contracts.errors import LakeError

LETTERS = Experiment("letters", "letters", 0.2, {"short": 0.4, "long": 0.4}, days=10)
METRICS = ["visit", "euros"]
WINDOW = Window(datetime.date(2026, 11, 2), datetime.date(2026, 11, 11), planned_people=20_000)


def people(count: int = 20_000, *, seed: int = 1, **columns) -> pa.Table:
    """Long letters let people visit twice as often; short ones change nothing."""
    random = np.random.default_rng(seed)
    arm = random.choice([*LETTERS.shares], count, p=[*LETTERS.shares.values()])
    likely = random.beta(1, 9, count)
    visit = random.random(count) < np.where(arm == "long", 2 * likely, likely)
    euros = np.where(visit & (random.random(count) < 0.3), random.lognormal(3, 1, count), 0.0)
    rows = {
        "arm": arm,
        "left_out": np.zeros(count, bool),
        "days": np.full(count, 10),
        "visit": visit,
        "euros": pa.array(np.where(euros > 0, euros, np.nan), from_pandas=True),
        "visits_before": random.poisson(20 * likely).astype(float),
    }
    return pa.table(rows | columns)


def by_arm(table: pa.Table) -> dict[tuple[str, str], dict]:
    return {(row["arm"], row["metric"]): row for row in table.to_pylist()}


def test_a_planted_effect_is_found_where_it_is_and_nowhere_else():
    rows = by_arm(lift(people(), LETTERS, METRICS, ["visits_before"], WINDOW))
    assert [*rows] == [("short", "visit"), ("short", "euros"), ("long", "visit"), ("long", "euros")]
    long, short = rows["long", "visit"], rows["short", "visit"]
    assert (long["verdict"], short["verdict"]) == ("higher", "none_shown")
    assert 0 < long["low"] < 0.1 < long["high"], "one in ten visits, and with a long letter two"
    assert short["low"] < 0 < short["high"]
    assert long["mean_treated"] - long["mean_held_out"] == pytest.approx(long["difference"])
    assert (long["people_needed"], long["sample_ratio_ok"]) == (0, True)
    assert short["people_needed"] is None or short["people_needed"] > 0
    assert long["variance_removed"] > 0.02
    assert "20000 people and 10 days" in long["method"]


def test_nothing_done_is_zero_and_counts():
    table = people()
    row = by_arm(lift(table, LETTERS, ["euros"], [], WINDOW))["short", "euros"]
    arm, euros = np.array(table["arm"].to_pylist()), np.array([spent or 0.0 for spent in table["euros"].to_pylist()])
    assert row["mean_held_out"] == pytest.approx(euros[arm == "holdout"].mean())
    assert row["people_held_out"] == np.count_nonzero(arm == "holdout")
    assert row["variance_removed"] == 0.0


def test_adjustment_makes_the_interval_narrower():
    plain, with_before = (
        by_arm(lift(people(), LETTERS, ["visit"], before, WINDOW))["long", "visit"]
        for before in ([], ["visits_before"])
    )
    assert with_before["high"] - with_before["low"] < 0.99 * (plain["high"] - plain["low"])


def test_few_people_are_too_early_and_none_are_no_error():
    for count in (200, 0):
        rows = lift(people(count), LETTERS, METRICS, ["visits_before"], WINDOW).to_pylist()
        assert {row["verdict"] for row in rows} == {"too_early"}
        assert {row["low"] for row in rows} == {row["people_needed"] for row in rows} == {None}


def test_who_is_left_out_is_in_neither_arm():
    table = people()
    left_out = np.arange(20_000) % 10 == 0
    table = table.set_column(table.schema.get_field_index("left_out"), "left_out", pa.array(left_out))
    rows = by_arm(lift(table, LETTERS, ["visit"], [], WINDOW))
    kept = by_arm(lift(table.filter(pa.array(~left_out)), LETTERS, ["visit"], [], WINDOW))
    for arm in ("short", "long"):
        assert rows[arm, "visit"]["people_left_out"] > 0 == kept[arm, "visit"]["people_left_out"]
        assert rows[arm, "visit"] | {"people_left_out": 0} == kept[arm, "visit"]


def test_arms_of_other_sizes_than_stated_are_not_to_be_trusted():
    table = people()
    lost = (np.array(table["arm"].to_pylist()) == "holdout") & (np.arange(20_000) % 8 == 0)
    rows = lift(table.filter(pa.array(~lost)), LETTERS, ["visit"], [], WINDOW).to_pylist()
    assert {row["sample_ratio_ok"] for row in rows} == {False}
    assert all(row["sample_ratio_p"] < 0.001 < 1_000 < row["sample_ratio_evidence"] for row in rows)


def test_what_cannot_be_compared_is_a_sentence():
    with pytest.raises(LakeError, match="arms of letters among holdout, short, long, but received middle; a variant"):
        lift(people(3, arm=["short", "middle", "long"]), LETTERS, METRICS, [], WINDOW)
    with pytest.raises(LakeError, match="finite numbers in the metrics of letters, but received others in visit"):
        lift(people(2, visit=[np.inf, 1.0]), LETTERS, METRICS, [], WINDOW)
