"""A private training from the command's point of view: charged, registered with what it gave away, refused."""

import json

import mlflow
import numpy as np
import pytest

from contracts.settings import Settings
from tests.training.markov_town import DS, build_town
from training.card.privacy import curve_table
from training.models.taste_autoencoder.learner import LEARNER
from training.privacy.curve import measure_curve
from training.privacy.ledger import BudgetError, PrivacyLedger
from training.registry.client import CHALLENGER, Registry
from training.train import train

PRIVATE = """
kind: dae
likelihood: multinomial
hidden: 0
latent: 4
batch_size: 64
epochs: 2
privacy: {epsilon: 3, delta: 1.0e-5, clip: 1.0}
"""


@pytest.fixture
def town(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    build_town(tmp_path, people=300)
    (tmp_path / "private.yml").write_text(PRIVATE)
    return tmp_path


def test_it_is_charged_before_and_refused_once_the_budget_is_spent(town, monkeypatch):
    assert train("taste_autoencoder", DS, town / "private.yml") == "1"
    registry = Registry.of(Settings.from_env())
    version = registry.aliased("taste_autoencoder", CHALLENGER)
    assert (version.tags["epsilon"], version.tags["delta"]) == ("3", "1e-05")
    run = mlflow.get_run(version.run_id)
    assert run.data.params["privacy_epsilon"] == "3.0"
    assert run.data.metrics["private_noise_multiplier"] > 0.5
    assert run.data.metrics["membership_auc"] == pytest.approx(float(version.tags["membership_auc"]), abs=1e-5)
    assert "Differentially private: epsilon 3" in registry.run_file(version, "card.html").read_text()
    report = json.loads((town / "reports" / DS / "train-taste_autoencoder.json").read_text())
    assert report["models"]["taste_autoencoder"]["private_epsilon"] == 3.0
    ledger = PrivacyLedger.of(Settings.from_env())
    assert [line["what"] for line in ledger.lines()] == ["begun", "ended"]
    assert ledger.spent()["training_sequences"] == pytest.approx(3.0, abs=0.05)

    monkeypatch.setenv("NIGHTSHIFT_PRIVACY_BUDGET", "4")
    with pytest.raises(BudgetError, match=r"3\.00 spent by 1 trainings, and taste_autoencoder .* over by 0\.\d\d"):
        train("taste_autoencoder", DS, town / "private.yml")
    assert len(ledger.lines()) == 2
    assert registry.aliased("taste_autoencoder", CHALLENGER).number == "1"


def test_a_curve_has_a_point_for_each_epsilon_and_charges_nothing(town):
    from training.config import read_config

    private = read_config(town / "private.yml", LEARNER.config)
    data = LEARNER.load(Settings.from_env(), DS)
    plain = type(private)(kind="dae", hidden=0, latent=4, epochs=2)
    curve = measure_curve(LEARNER, data, plain, private, seeds=[1])
    assert [point["epsilon"] for point in curve["points"]] == [None, 8.0, 3.0, 1.0]
    assert np.all(np.diff([point["noise_multiplier"] for point in curve["points"]]) > 0)
    assert all(0 <= point["membership_auc"] <= 1 for point in curve["points"])
    assert list(curve_table(curve).index) == ["inf", "8", "3", "1"]
    assert not PrivacyLedger.of(Settings.from_env()).lines()
