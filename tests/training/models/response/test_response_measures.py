"""Calibration by a line, and what is measured of chances, by hand."""

import numpy as np
import pandas as pd
import pytest

from training.models.response.baselines import TreeSetting, baseline_chances
from training.models.response.fitting import fit_platt
from training.models.response.measures import measures
from training.models.response.table import NOWHERE, LabelledTable
from training.parts import Part


def test_the_line_that_made_logits_wrong_is_found_and_undone():
    # Logits that are three times too large and off by one.
    random = np.random.default_rng(0)
    honest = random.normal(0, 1.5, 20_000)
    yes = random.random(20_000) < 1 / (1 + np.exp(-honest))
    slope, offset = fit_platt(honest * 3 + 1, yes)
    assert (slope, offset) == (pytest.approx(1 / 3, rel=0.05), pytest.approx(-1 / 3, abs=0.05))


def test_a_validation_part_with_one_answer_makes_nothing_certain():
    slope, offset = fit_platt(np.array([-1.0, 0.0, 2.0]), np.array([False, False, False]))
    chances = 1 / (1 + np.exp(-(slope * np.array([-1.0, 0.0, 2.0]) + offset)))
    assert ((chances > 0) & (chances < 0.5)).all()


def test_measures_by_hand():
    found = measures(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False]))
    assert found["auc"] == pytest.approx((1.0 + 0.5) / 2)  # the tie counts against the model
    assert found["log_loss"] == pytest.approx(-(2 * np.log(0.9) + 2 * np.log(0.5)) / 4)
    assert found["brier"] == pytest.approx((0.01 + 0.25 + 0.25 + 0.01) / 4)
    assert measures(np.array([0.5]), np.array([True])).keys() == {"log_loss", "brier", "ece"}
    assert measures(np.zeros(0), np.zeros(0, bool)) == {}


@pytest.mark.parametrize(
    ("missing", "rows"), [(Part.VALIDATION, 10), (Part.TEST, 0)], ids=["no row validates", "no row tests"]
)
def test_baselines_do_without_a_part_that_is_empty(missing, rows):
    """Answers of which few labels are known are split by person: a part may have none."""
    parts = np.repeat([Part.TRAIN, Part.VALIDATION, Part.TEST], [20, 10, 10])[:, None].astype("int8")
    parts[parts == missing] = NOWHERE
    table = LabelledTable(
        rows=pd.DataFrame({"campaign": ["autumn", "winter"] * 20, "carts": np.arange(40.0)}),
        labels=np.tile([0.0, 1.0], 20)[:, None].astype("float32"),
        parts=parts,
        numbers=["carts"],
        categories=["campaign"],
        answers=["purchase"],
    )
    trees = [TreeSetting(learning_rate=0.1, leaves=4, l2=0.0, rounds=3)]
    found = baseline_chances(table, 0, rate_by="campaign", strengths=[1.0], trees=trees)
    assert {name: len(chances) for name, chances in found.items()} == dict.fromkeys(found, rows)
    assert len(found) == 3
