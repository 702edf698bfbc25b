"""The net and its baselines on an experiment whose effects are known, and the calibration by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from training.learner import Context
from training.models.uplift.baselines import baseline_scores
from training.models.uplift.fitting import PRIOR_SLOPE, fit_experiment, shrunk_slope
from training.models.uplift.network import UpliftConfig
from training.models.uplift.table import ExperimentTable
from training.parts import Part

ROWS = 6_000


@pytest.fixture(scope="module")
def table() -> ExperimentTable:
    """Sending adds 0.4 to the chance of those who read, and nothing to loyal people, who come more often anyway."""
    random = np.random.default_rng(3)
    reads, loyal = random.random(ROWS) < 0.5, random.random(ROWS) < 0.5
    treated = random.random(ROWS) < 0.7
    chance = 0.1 + 0.3 * loyal + 0.4 * (reads & treated & ~loyal)
    return ExperimentTable(
        rows=pd.DataFrame({"reads": np.where(reads, "yes", "no"), "visits": np.where(loyal, 5.0, 0.0)}),
        treated=treated,
        propensity=np.full(ROWS, 0.7),
        outcomes=(random.random(ROWS) < chance)[:, None],
        parts=np.repeat(np.array(list(Part), "int8"), ROWS // 3),
        numbers=("visits",),
        categories=("reads",),
        names=("click",),
    )


def test_the_arm_that_a_row_was_not_in_is_not_known(table):
    labels = table.labels[:4]
    treated = table.treated[:4]
    assert labels.shape == (4, 2)
    assert (labels[treated, 0] == -1).all()
    assert (labels[~treated, 1] == -1).all()
    assert labels[treated, 1].tolist() == table.outcomes[:4][treated, 0].tolist()


@pytest.fixture(scope="module")
def fitted(table):
    config = UpliftConfig(learning_rate=0.02, batch_size=128, epochs=12)
    return fit_experiment(table, config, Context(say=lambda _: None), watched="validation_likelihood")


def test_the_net_finds_whom_sending_changes(table, fitted):
    rows = pd.DataFrame({"reads": ["yes", "no", "yes"], "visits": [0.0, 0.0, 5.0]})
    reader, other, loyal = fitted.score(*fitted.encode(rows))[:, 0]
    assert reader == pytest.approx(0.4, abs=0.12)
    assert other == pytest.approx(0.0, abs=0.1)
    assert loyal == pytest.approx(0.0, abs=0.12)
    test = table.rows.iloc[table.indices(Part.TEST)]
    assert fitted.score(*fitted.encode(test)).mean() == pytest.approx(0.1, abs=0.03)


def test_a_saved_net_scores_the_same(table, fitted, tmp_path):
    import json

    import keras

    files = fitted.save(tmp_path, order_value=1.0)
    embedder, head = (keras.saving.load_model(files[name], safe_mode=True) for name in ("embedder", "head"))
    encoded = fitted.encode(table.rows.iloc[:8])
    logits = np.asarray(head(embedder(list(encoded))))
    chances = (1 / (1 + np.exp(-logits.astype("float64")))).reshape(8, 2, 1)
    space = json.loads(files["space"].read_text())
    means, slopes, centres = (np.array(space[name]) for name in ("means", "slopes", "centres"))
    scores = means + slopes * (chances[:, 1] - chances[:, 0] - centres)
    assert scores == pytest.approx(fitted.score(*encoded), abs=1e-6)


def test_baselines_know_as_much_as_they_can(table):
    """Two regressions without products cannot tell readers who are loyal; the response ranks the loyal high."""
    found = baseline_scores(table, 0)
    assert set(found) == {"two_logistic_regressions", "class_transformation", "response_ranking", "random"}
    test = table.rows.iloc[table.indices(Part.TEST)]
    groups = [
        ((test["reads"] == reads) & (test["visits"] == visits)).to_numpy()
        for reads, visits in (("yes", 0), ("no", 0), ("no", 5))
    ]
    for name in ("two_logistic_regressions", "class_transformation"):
        reader, other, loyal = (found[name][group].mean() for group in groups)
        assert reader > other + 0.1
        assert reader > loyal + 0.2
    reader, other, loyal = (found["response_ranking"][group].mean() for group in groups)
    assert loyal > other + 0.05  # although sending changes neither
    assert not found["random"].any()


def test_a_slope_by_hand():
    """Exactly twice as large as said is the most that is believed; noise alone leaves the prior."""
    difference = np.array([-1.0, 0.0, 1.0])
    assert shrunk_slope(2 * difference, difference) == 1.5
    assert shrunk_slope(0 * difference, difference) == 0.05
    assert shrunk_slope(0.7 * difference + 3.0, difference) == pytest.approx(0.7)
    assert shrunk_slope(np.ones(3), np.zeros(3)) == PRIOR_SLOPE
    noise = np.random.default_rng(1).normal(0, 1000, 300)
    assert shrunk_slope(noise, np.tile(difference, 100) / 100) == pytest.approx(PRIOR_SLOPE, abs=0.05)
