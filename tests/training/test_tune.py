import dataclasses

import mlflow
import optuna
import pytest

from contracts.errors import ModelError
from contracts.settings import Settings
from tests.training.markov_town import DS, SMALL_CONFIG, build_town
from training.config import MODELS, load_learner, read_config
from training.registry.client import Registry
from training.tune import tune


@pytest.fixture
def town(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    build_town(tmp_path, people=40)
    (tmp_path / "best.yml").write_text(SMALL_CONFIG.replace("0.02", "0.0001").replace("epochs: 6", "epochs: 2"))
    return tmp_path


def test_a_search_finds_better_keeps_its_trials_and_goes_on_after_a_kill(town, capsys, monkeypatch):
    monkeypatch.setattr(
        type(load_learner("next_item")),
        "search_space",
        lambda self, trial: {"learning_rate": trial.suggest_float("learning_rate", 0.01, 0.05)},  # noqa: ARG005
    )
    output = town / "best.yml"
    found = tune("next_item", DS, minutes=5, trials=2, output=output)
    written = output.read_text()
    assert f"validation_ndcg_at_10 {found:.4f} on {DS}, against 0." in written
    best = read_config(output, load_learner("next_item").config)
    assert best.learning_rate > 0.0001
    assert best.batch_size == 8  # not searched: as it was

    study = optuna.load_study(study_name=None, storage=f"sqlite:///{town / 'tuning' / 'next_item.db'}")
    assert len(study.trials) == 2
    study.ask()  # a trial that a kill leaves open

    tune("next_item", DS, minutes=5, trials=1, output=output)
    assert "going on after 3 trials" in capsys.readouterr().out
    states = [trial.state.name for trial in optuna.load_study(study_name=None, storage=study._storage).trials]
    assert "RUNNING" not in states

    Registry.of(Settings.from_env())
    runs = mlflow.search_runs(experiment_names=["next_item"], output_format="list")
    trials = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert len(trials) == 5  # the present configuration, two trials, the one that was found, another trial
    assert all("validation_ndcg_at_10" in run.data.metrics for run in trials)


def test_no_time_is_said(town):
    with pytest.raises(ModelError, match="give it more --minutes; the next call goes on"):
        tune("next_item", DS, minutes=0, output=town / "best.yml")


@pytest.mark.parametrize("model", MODELS)
def test_every_model_searches_settings_that_it_has(model):
    learner = load_learner(model)
    suggested = learner.search_space(optuna.create_study().ask())
    assert len(suggested) >= 6
    assert suggested.keys() <= {field.name for field in dataclasses.fields(learner.config)}
    dataclasses.replace(learner.config(), **suggested)  # raises where two settings do not go together
