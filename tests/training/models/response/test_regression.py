"""The regressions that a net begins with, and the net that stays one where nothing more is to be learned."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from training.learner import Context
from training.metrics.auc import placements
from training.models.response.fitting import fit_table
from training.models.response.network import NOT_KNOWN, ResponseConfig
from training.models.response.regression import STRENGTHS, UNVALIDATED_STRENGTH, best_regression, one_hot
from training.models.response.table import LabelledTable
from training.parts import Part

CONFIG = ResponseConfig(
    fewest_rows=1, embedding_dimensions=2, deep_units=4, hidden_share=0.0, dropout=0.0, epochs=1, batch_size=32, seed=1
)


def table() -> LabelledTable:
    """Rows whose first answer follows one number and one category; the second answer is never known."""
    random = np.random.default_rng(0)
    number, word = random.normal(size=300), random.choice(["a", "b"], 300)
    yes = random.random(300) < 1 / (1 + np.exp(-2 * number - (word == "a")))
    labels = np.stack([yes, np.full(300, NOT_KNOWN)], axis=1).astype("float32")
    parts = np.repeat(np.repeat([Part.TRAIN, Part.VALIDATION, Part.TEST], 100)[:, None], 2, axis=1).astype("int8")
    return LabelledTable(
        pd.DataFrame({"number": number, "word": word}), labels, parts, ["number"], ["word"], ["click", "leave"]
    )


def regression_of(rows: LabelledTable, fitted) -> tuple[np.ndarray, float]:
    """Scores of all rows by the best regression, found by hand among all strengths, and its validation AUC."""
    inputs = one_hot(*fitted.encode(rows.rows), fitted.space.codes).toarray()
    train, validation = rows.indices(0, Part.TRAIN), rows.indices(0, Part.VALIDATION)
    tried = []
    for strength in STRENGTHS:
        regression = LogisticRegression(C=strength, max_iter=1000).fit(inputs[train], rows.yes(0, Part.TRAIN))
        scores = regression.decision_function(inputs)
        tried.append((placements(scores[validation], rows.yes(0, Part.VALIDATION)).mean(), scores))
    value, scores = max(tried, key=lambda one: one[0])
    return scores, value


@pytest.mark.parametrize(
    "choice", [{"epochs": 0}, {"learning_rate": 1000.0, "ema_momentum": 0.0}], ids=["no epoch", "an epoch that harms"]
)
def test_a_net_that_no_epoch_improves_is_the_best_regression(choice):
    rows, said = table(), []
    fitted = fit_table(
        rows, ResponseConfig(**{**CONFIG.__dict__, **choice}), Context(say=said.append), watched="validation_auc"
    )
    scores, value = regression_of(rows, fitted)
    assert fitted.value == pytest.approx(value)
    chances = fitted.score(*fitted.encode(rows.rows))[:, 0]
    slope, offset = fitted.slopes[0], fitted.offsets[0]
    np.testing.assert_allclose(np.log(chances / (1 - chances)), slope * scores + offset, atol=1e-3)
    assert any("the net stays as it is" in line for line in said)


def test_what_learns_from_everything_has_the_strength_that_the_training_part_chooses():
    rows, said = dataclasses.replace(table(), everything=True), []
    config = ResponseConfig(**{**CONFIG.__dict__, "epochs": 0})
    served = fit_table(rows, config, Context(say=said.append, epochs=0), watched="validation_auc")
    inputs = one_hot(*served.encode(rows.rows), served.space.codes)
    train, validation = rows.indices(0, Part.TRAIN), rows.indices(0, Part.VALIDATION)
    parts = inputs[train], rows.yes(0, Part.TRAIN), inputs[validation], rows.yes(0, Part.VALIDATION)
    _, strength = best_regression(*parts)
    assert f"inverse strength {strength:g} of click" in said[0]
    own = LogisticRegression(C=strength, max_iter=1000).fit(inputs.toarray(), rows.labels[:, 0] > 0)
    assert float(served.head.get_layer("regression").bias[0]) == pytest.approx(own.intercept_[0], abs=1e-3)


def test_an_answer_that_is_never_known_has_no_regression():
    rows, said = table(), []
    fitted = fit_table(
        rows, ResponseConfig(**{**CONFIG.__dict__, "epochs": 0}), Context(say=said.append), watched="validation_auc"
    )
    np.testing.assert_array_equal(fitted.head.get_layer("regression").bias[1], 0)
    assert "0 of leave" in said[0]


def test_rows_that_validate_nothing_leave_the_usual_strength():
    inputs = one_hot(np.array([[0.0], [1.0]], "float32"), np.array([[0], [1]]), 2)
    _, strength = best_regression(inputs, np.array([False, True]), inputs, np.array([True, True]))
    assert strength == UNVALIDATED_STRENGTH
