import numpy as np
import pandas as pd
import pytest

from training.models.interest_gan.admission import AdmissionConfig, admit, measure_privacy
from training.models.interest_gan.mixed_columns import BOOLEAN, CATEGORY, NUMBER

KINDS = {"x": NUMBER, "y": NUMBER, "z": NUMBER, "colour": CATEGORY, "clicked": BOOLEAN}
FEATURES = ("x", "y", "z", "colour")


def people(rows, seed):
    """Who clicks: x + y above 0, with some noise; so more rows of the same kind help a classifier."""
    draw = np.random.default_rng(seed)
    x, y, z = draw.normal(size=(3, rows))
    return pd.DataFrame(
        {
            "x": x,
            "y": y,
            "z": z,
            "colour": np.where(draw.random(rows) < 0.5, "red", "blue"),
            "clicked": x + y + draw.normal(scale=0.3, size=rows) > 0,
        }
    )


TRAIN, HOLDOUT = people(200, 1), people(1500, 12)


def judge(*synthetic, train=TRAIN):
    return admit(train, HOLDOUT, synthetic, kinds=KINDS, features=FEATURES, target="clicked")


def test_new_rows_of_the_same_people_are_admitted():
    admission = judge(*(people(1500, seed) for seed in (3, 4, 5)))
    assert admission.admitted
    assert len(admission.reasons) == 1
    assert min(admission.numbers[f"lift_{seed}"] for seed in (1, 2, 3)) > 0


def test_a_generator_that_remembers_is_refused_for_closeness_and_membership():
    admission = judge(TRAIN, TRAIN, TRAIN)
    assert not admission.admitted
    assert admission.numbers["nearest_distance"] == 0.0
    assert admission.numbers["membership_auc"] > 0.9
    assert any("synthetic rows are 0.0000 from a training row" in reason for reason in admission.reasons)
    assert any("and at most 0.5500 is allowed" in reason for reason in admission.reasons)


def test_a_generator_that_remembers_a_tenth_is_refused():
    train = people(1000, 1)
    partly = [pd.concat([people(900, seed), train[:100]], ignore_index=True) for seed in (3, 4, 5)]
    admission = judge(*partly, train=train)
    assert not admission.admitted
    assert any("from a training row" in reason or "membership attack" in reason for reason in admission.reasons)


def test_noise_is_refused_for_want_of_lift():
    noise = [people(1500, seed) for seed in (3, 4, 5)]
    for number, rows in enumerate(noise):
        rows["clicked"] = np.random.default_rng(number).random(len(rows)) < 0.5
    admission = judge(*noise)
    assert not admission.admitted
    refused = [reason for reason in admission.reasons if "a lift above 0 is required" in reason]
    assert len(refused) == 3
    real, both = admission.numbers["real_auc_1"], admission.numbers["with_synthetic_auc_1"]
    assert refused[0].startswith(f"AUC {both:.4f} with synthetic rows against {real:.4f} without")


def test_no_lift_under_one_seed_is_enough_to_refuse():
    bad = people(1500, 4).assign(clicked=lambda rows: ~rows["clicked"])
    admission = judge(people(1500, 3), bad, people(1500, 5))
    assert [reason[:3] for reason in admission.reasons] == ["AUC"]
    assert "under seed 2 of 3" in admission.reasons[0]


def test_one_class_alone_is_refused_not_a_crash():
    admission = judge(*[people(300, seed).assign(clicked=False) for seed in (3, 4, 5)])
    assert not admission.admitted


def test_strangers_tell_the_attack_nothing():
    privacy = measure_privacy(people(800, 1), HOLDOUT, people(800, 9), KINDS)
    assert privacy.membership_auc == pytest.approx(0.5, abs=0.05)
    assert privacy.ratio == pytest.approx(1.0, abs=0.3)
    assert privacy.floor <= privacy.holdout_nearest


def test_nulls_and_unseen_categories_are_measured():
    odd = people(200, 9)
    odd.loc[:50, "x"] = np.nan
    odd["colour"] = "green"
    privacy = measure_privacy(TRAIN, HOLDOUT, odd, KINDS)
    assert privacy.nearest > privacy.holdout_nearest  # a category that nobody has is 1 away


def test_thresholds_are_the_callers():
    lenient = AdmissionConfig(least_lift=-1.0, most_membership_auc=1.0, confidence=1.0)
    rows = [people(300, seed) for seed in (3, 4, 5)]
    assert admit(TRAIN, HOLDOUT, rows, kinds=KINDS, features=FEATURES, target="clicked", config=lenient).admitted
