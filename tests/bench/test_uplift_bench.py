"""Any randomised table: what is read of it, and what is refused in a sentence."""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
import pytest

from bench.uplift import Arm, Measuring, read_experiment
from contracts.errors import ModelError

ROWS = 800


def table() -> pd.DataFrame:
    random = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "age": random.integers(18, 80, ROWS),
            "town": random.choice(["north", "south"], ROWS),
            "mail": np.arange(ROWS) % 4,
            "came": random.integers(0, 2, ROWS),
            "spent": random.random(ROWS),
        }
    )


def options(**other) -> argparse.Namespace:
    chosen = {"treated": Arm("mail", "1"), "control": Arm("mail", "0"), "outcome": "came", "drop": ["spent"], "seed": 1}
    return argparse.Namespace(**(chosen | other))


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows.parquet"])
def test_both_arms_of_a_file(tmp_path, name):
    file, rows = tmp_path / name, table()
    rows.to_parquet(file) if name.endswith("parquet") else rows.to_csv(file, index=False)
    found = read_experiment(file, options(), 100_000)
    assert list(found.rows) == ["age", "town"]
    assert found.treated.sum() == ROWS // 4
    assert found.left_out == ROWS // 2
    assert found.outcomes.sum() == rows.loc[rows["mail"] < 2, "came"].sum()


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"outcome": "spent"}, "expected 0 and 1 in the column spent"),
        ({"outcome": "gone"}, "expected columns mail, gone, spent"),
        ({"control": Arm("mail", "1")}, "200 rows of rows.csv in both"),
        ({"control": Arm("mail", "9")}, "expected at least 50 rows of each outcome in each arm"),
    ],
)
def test_what_is_no_experiment_is_refused(tmp_path, other, sentence):
    file = tmp_path / "rows.csv"
    table().to_csv(file, index=False)
    with pytest.raises(ModelError, match=sentence):
        read_experiment(file, options(**other), 100_000)


def test_halves_have_equal_shares_and_figures_hold_the_mean(tmp_path):
    file = tmp_path / "rows.csv"
    table().to_csv(file, index=False)
    measuring = Measuring(read_experiment(file, options(), 100_000), None, repeats=2, seed=5)
    for repeat in range(2):
        parts, ranked = measuring.table(repeat)
        assert len(ranked) == pytest.approx(ROWS / 4, abs=2)
        assert parts.treated[parts.parts == 2].mean() == pytest.approx(0.5, abs=0.01)
        assert (parts.parts == 1).sum() == pytest.approx(ROWS / 4 / 4, abs=2)
        measuring.add(ranked, {"uplift": parts.rows["age"][parts.parts == 2].to_numpy(), "none": np.zeros(len(ranked))})
    figures = measuring.figures(resamples=50)
    assert figures["none"] == {
        "value": 0, "low": 0, "high": 0, "spread": 0,
        "net_more": figures["uplift"]["value"],
        "net_more_low": figures["uplift"]["low"],
        "net_more_high": figures["uplift"]["high"],
    }  # fmt: skip
    assert figures["uplift"]["low"] < figures["uplift"]["value"] < figures["uplift"]["high"]
