"""Accounting against published figures and formulas, and the ledger: charges, refusals, resumed trainings."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

from contracts.errors import ModelError
from contracts.settings import REPOSITORY, Settings
from training.config import read_config
from training.models.response.network import ResponseConfig
from training.privacy.accounting import Privacy, Spending, epsilon_of, spending
from training.privacy.ledger import BudgetError, PrivacyLedger, print_ledger


def steps_of(noise: float, rate: float, steps: int) -> Spending:
    return Spending(1.0, 1e-5, noise, rate, steps, 0.0, 0.0, 1000)


def epsilon_by_hand(noise: float, rate: float, steps: int, delta: float) -> float:
    """Mironov, Talwar and Zhang (2019), section 3.3, whole orders; conversion of Canonne, Kamath and Steinke (2020)."""
    found = []
    for order in range(2, 200):
        k = np.arange(order + 1)
        binomial = np.array([math.lgamma(order + 1) - math.lgamma(i + 1) - math.lgamma(order - i + 1) for i in k])
        terms = binomial + k * math.log(rate) + (order - k) * math.log1p(-rate) + (k * k - k) / (2 * noise**2)
        divergence = steps * logsumexp(terms) / (order - 1)
        found.append(divergence + math.log1p(-1 / order) - math.log(delta * order) / (order - 1))
    return min(found)


@pytest.mark.parametrize(("noise", "rate", "steps"), [(1.1, 250 / 60000, 14400), (4.0, 0.01, 10000), (2.0, 0.2, 60)])
def test_steps_cost_what_the_published_formula_says(noise, rate, steps):
    assert epsilon_of([steps_of(noise, rate, steps)], 1e-5) == pytest.approx(
        epsilon_by_hand(noise, rate, steps, 1e-5), rel=0.01
    )


def test_published_figures_are_not_exceeded_and_nearly_reached():
    # Abadi et al. (2016), section 3.2: noise 4, rate 0.01, 10,000 steps, delta 1e-5: 1.26 by the moments accountant.
    assert 0.9 < epsilon_of([steps_of(4.0, 0.01, 10000)], 1e-5) < 1.26
    # The tutorial of TensorFlow Privacy: 60,000 digits, batches of 250, noise 1.1, 60 epochs: 3.01 by an older rule.
    assert 2.4 < epsilon_of([steps_of(1.1, 250 / 60000, 14400)], 1e-5) < 3.01


def test_one_noised_table_costs_no_less_than_the_exact_gaussian_mechanism():
    # Balle and Wang (2018), theorem 8: delta = F(1/2s - es) - exp(e) F(-1/2s - es), exact.
    noise, delta = 5.0, 1e-5
    only = Spending(1.0, delta, 1e6, 1e-6, 1, noise, 0.0, 1000)
    epsilon = epsilon_of([only], delta)

    def exact(e):
        return norm.cdf(1 / (2 * noise) - e * noise) - math.exp(e) * norm.cdf(-1 / (2 * noise) - e * noise)

    assert exact(epsilon) <= delta
    assert exact(0.8 * epsilon) > delta


def test_the_noise_keeps_to_epsilon_and_wastes_none():
    found = spending(Privacy(3.0, 1e-5), people=1000, batch_people=250, epochs=10, threshold=True)
    assert (found.sampling_rate, found.steps) == (0.25, 40)
    assert 2.97 < epsilon_of([found], 1e-5) <= 3.0
    more = spending(Privacy(1.0, 1e-5), people=1000, batch_people=250, epochs=10, threshold=True)
    assert more.noise_multiplier > 2 * found.noise_multiplier


def test_trainings_add_up_to_less_than_the_sum_of_their_epsilons():
    one = spending(Privacy(1.0), people=1000, batch_people=250, epochs=10)
    assert epsilon_of([], 1e-5) == 0
    assert 2.0 < epsilon_of([one] * 9, 1e-5) < 5.0  # about three times as much, by advanced composition


def test_the_option_is_read_and_nonsense_refused(tmp_path):
    file = tmp_path / "some.yml"
    file.write_text("privacy: {epsilon: 3, delta: 1e-6, clip: 0.5}\n")
    assert read_config(file, ResponseConfig).privacy == Privacy(3.0, 1e-6, 0.5)
    file.write_text("privacy: {epsilon: inf}\n")
    assert not read_config(file, ResponseConfig).privacy.on
    file.write_text("privacy:\n  epsilonn: 3\n")
    with pytest.raises(ModelError, match=r"in line 2 of some.yml \(privacy.epsilonn\), .* did you mean 'epsilon'"):
        read_config(file, ResponseConfig)
    file.write_text("privacy: {epsilon: 0}\n")
    with pytest.raises(ModelError, match="epsilon above 0"):
        read_config(file, ResponseConfig)


def test_without_the_package_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(ModelError, match="install the extra `train`"):
        spending(Privacy(2.5), people=77, batch_people=7, epochs=1)


COST = spending(Privacy(3.0), people=1000, batch_people=250, epochs=10)


def charge(ledger, fingerprint, table="training_responses"):
    return ledger.charge(COST, table=table, model="response", ds="2026-11-20", fingerprint=fingerprint)


def test_nights_are_charged_until_the_budget_is_spent_and_then_refused_with_the_excess(tmp_path):
    ledger = PrivacyLedger(tmp_path / "privacy_ledger.jsonl", budget=5.0)
    assert charge(ledger, "a") == pytest.approx(3.0, abs=0.05)
    assert 3.5 < charge(ledger, "b") < 5.0
    before = ledger.file.read_text()
    with pytest.raises(BudgetError, match=r"spent by 2 trainings, .* needs 1\.\d\d more: over by 0\.\d\d") as refused:
        charge(ledger, "c")
    assert refused.value.exit_code == 2
    assert ledger.file.read_text() == before
    assert charge(ledger, "c", table="training_sequences") == pytest.approx(3.0, abs=0.05)  # another data set


def test_a_training_that_goes_on_costs_nothing_more_and_one_that_begins_anew_does(tmp_path):
    ledger = PrivacyLedger(tmp_path / "privacy_ledger.jsonl", budget=10.0)
    first = charge(ledger, "same")
    assert charge(ledger, "same") == first  # killed, and going on
    ledger.ended("same", "4")
    assert charge(ledger, "same") > first + 1  # other noise: another release
    whats = [json.loads(line)["what"] for line in ledger.file.read_text().splitlines()]
    assert whats == ["begun", "ended", "begun"]


def test_the_ledger_shows_what_is_left(tmp_path, capsys):
    ledger = PrivacyLedger(tmp_path / "privacy_ledger.jsonl", budget=10.0)
    print_ledger(ledger)
    assert "no private training yet" in capsys.readouterr().out
    charge(ledger, "a")
    ledger.ended("a", "7")
    print_ledger(ledger)
    shown = capsys.readouterr().out
    assert "response            7" in shown
    assert "spent of 10 at delta 1e-05, 7.0" in shown


def test_the_budget_is_a_setting(tmp_path):
    assert Settings.from_env({"NIGHTSHIFT_HOME": str(tmp_path)}).privacy_budget == 10.0
    assert Settings.from_env({"NIGHTSHIFT_PRIVACY_BUDGET": "2.5"}).privacy_budget == 2.5


@pytest.mark.parametrize("module", ["privacy.ledger", "privacy.curve"])
def test_help_teaches(module):
    command = [sys.executable, "-m", f"training.{module}", "--help"]
    answer = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert f"python -m training.{module}" in answer.stdout
