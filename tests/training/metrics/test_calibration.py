"""Calibration: a known temperature is found again, and the calibration error is what it is by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from contracts.errors import ModelError
from training.metrics.calibration import (
    calibrated,
    expected_calibration_error,
    fit_temperature,
    log_loss_of_logits,
    reliability,
)


def test_the_temperature_that_logits_were_multiplied_by_is_found_again_for_many_categories():
    rng = np.random.default_rng(1)
    honest = rng.normal(0, 2, (20_000, 4))
    labels = (softmax(honest, axis=1).cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)
    assert fit_temperature(honest * 3, labels) == pytest.approx(3, rel=0.05)
    assert expected_calibration_error(calibrated(honest * 3, 1.0), labels) > 0.1
    assert expected_calibration_error(calibrated(honest * 3, 3.0), labels) < 0.02


def test_the_temperature_is_found_again_for_a_binary_answer():
    rng = np.random.default_rng(2)
    honest = rng.normal(0, 1.5, 20_000)
    labels = (rng.random(20_000) < 1 / (1 + np.exp(-honest))).astype(int)
    assert fit_temperature(honest * 0.5, labels) == pytest.approx(0.5, rel=0.06)
    assert expected_calibration_error(calibrated(honest, 1.0), labels) < 0.02


def test_answers_without_a_mistake_do_not_become_certain():
    logits = np.array([[3.0, 0.0], [0.0, 3.0], [2.0, 0.0]])
    temperature = fit_temperature(logits, np.array([0, 1, 0]))
    assert 0.2 < temperature < 1
    assert calibrated(logits, temperature).max() < 0.9999


def test_calibration_never_changes_the_order_and_keeps_probabilities_adding_up():
    logits = np.random.default_rng(3).normal(0, 4, (50, 7))
    probabilities = calibrated(logits, 2.5)
    assert (probabilities.argmax(axis=1) == logits.argmax(axis=1)).all()
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(50))


def test_the_error_of_four_examples_by_hand():
    # Two have .9, one is right: |.9 - .5| = .4. Two have .6, both are right: |.6 - 1| = .4. Mean .4.
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.6, 0.4]])
    assert expected_calibration_error(probabilities, np.array([0, 1, 1, 0])) == pytest.approx(0.4)


def test_the_error_of_a_binary_answer_by_hand():
    # Bin up to .2: .1 twice, one comes true, distance .4; bin above .8: 1 twice, both come true, distance 0.
    assert expected_calibration_error([0.1, 0.1, 1.0, 1.0], [1, 0, 1, 1], bins=5) == pytest.approx(0.2)


def test_reliability_lists_filled_bins_with_their_borders():
    table = reliability(np.array([0.0, 0.5, 1.0]), np.array([0, 1, 1]), bins=2)
    assert table.to_dict("list") == {
        "from": [0.0, 0.5],
        "to": [0.5, 1.0],
        "probability": [0.25, 1.0],
        "observed": [0.5, 1.0],
        "examples": [2, 1],
    }


def test_the_log_loss_of_a_sure_mistake_stays_finite():
    assert log_loss_of_logits(np.array([[1000.0, 0.0]]), np.array([1])) == pytest.approx(1000)
    assert log_loss_of_logits(np.array([-1000.0]), np.array([1])) == pytest.approx(1000)


@pytest.mark.parametrize("function", [fit_temperature, expected_calibration_error])
def test_no_examples_and_values_that_are_not_finite_are_refused(function):
    with pytest.raises(ModelError, match="at least one"):
        function(np.empty((0, 3)), np.empty(0, dtype=int))
    with pytest.raises(ModelError, match="2 that are not"):
        function(np.array([[np.nan, 1.0], [0.0, np.inf]]), np.array([0, 1]))
