import dataclasses

import mlflow
import optuna
import pytest

from contracts.errors import ModelError
from contracts.settings import Settings
from tests.training.markov_town import DS, SMALL_CONFIG, build_town
from training.config import CONFIGS, MODELS, load_learner, read_config, write_config
from training.registry.client import Registry
from training.train import train
from training.tune import is_behind, median_curve, tune


@pytest.fixture
def town(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    build_town(tmp_path, people=40)
    (tmp_path / "best.yml").write_text(SMALL_CONFIG.replace("0.02", "0.0001").replace("epochs: 6", "epochs: 2"))
    return tmp_path


@pytest.mark.long
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
    page = (town / "tuning" / "next_item-front.html").read_text()
    assert "3 configurations trained to the end, 0 stopped early" in page
    assert f"is kept: validation_ndcg_at_10 {found:.4f}" in page
    best = read_config(output, load_learner("next_item").config)
    assert best.learning_rate > 0.0001
    assert best.batch_size == 8  # not searched: as it was

    storage = f"sqlite:///{town / 'tuning' / 'next_item.db'}"
    study = optuna.load_study(study_name=None, storage=storage)
    assert [len(trial.values) for trial in study.trials] == [3, 3]  # accuracy, seconds, coverage
    study.ask()  # a trial that a kill leaves open

    tune("next_item", DS, minutes=5, trials=1, output=output)
    assert "continuing after 3 trials" in capsys.readouterr().out
    states = [trial.state.name for trial in optuna.load_study(study_name=None, storage=storage).trials]
    assert "RUNNING" not in states

    Registry.of(Settings.from_env())
    runs = mlflow.search_runs(experiment_names=["next_item"], output_format="list")
    trials = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert len(trials) == 5  # the present configuration, two trials, the one that was found, another trial
    assert all("validation_ndcg_at_10" in run.data.metrics for run in trials)


@pytest.mark.long
def test_what_a_search_finds_is_kept_below_home_and_trained_with(town, capsys, monkeypatch):
    shipped = (CONFIGS / "next_item.yml").read_bytes()
    (town / "configs").mkdir()
    (town / "best.yml").rename(town / "configs" / "next_item.yml")
    monkeypatch.setattr(
        type(load_learner("next_item")),
        "search_space",
        lambda self, trial: {"learning_rate": trial.suggest_float("learning_rate", 0.01, 0.05)},  # noqa: ARG005
    )
    tune("next_item", DS, minutes=5, trials=1)
    found = read_config(town / "configs" / "next_item.yml", load_learner("next_item").config)
    assert found.learning_rate >= 0.01
    assert (CONFIGS / "next_item.yml").read_bytes() == shipped

    train("next_item", DS)
    assert f"parameters that tuning found: {town / 'configs' / 'next_item.yml'}" in capsys.readouterr().out
    version = Registry.of(Settings.from_env()).version("next_item", "1")
    assert mlflow.get_run(version.run_id).data.params["learning_rate"] == str(found.learning_rate)


def test_a_search_without_time_keeps_the_present_configuration(town, capsys):
    """And is no error: what is trained behind it in a night goes on."""
    before = (town / "best.yml").read_text()
    assert 0 < tune("next_item", DS, minutes=0, output=town / "best.yml") < 1
    assert "the present configuration stays, as no other training ended within the time" in capsys.readouterr().out
    assert (town / "best.yml").read_text() == before


def test_who_is_behind_the_median_of_four_by_more_than_a_standard_error_is_stopped():
    curves = [[0.1, 0.2], [0.2, 0.1], [0.3, 0.5], [0.4]]  # best so far: .2, .2, .5, .4 in the second epoch
    assert median_curve(curves[:3]) == []
    assert median_curve(curves) == pytest.approx([0.25, 0.3])
    assert is_behind([0.1, 0.24], [0.25, 0.3], 0.05)
    assert not is_behind([0.1, 0.26], [0.25, 0.3], 0.05)
    assert not is_behind([0.26, 0.1], [0.25, 0.3], 0.05)  # its best epoch counts
    assert not is_behind([0.0], [], 0.0)


class EndOfEveryRange:
    """An Optuna trial that chooses the first (0) or the last (-1) value of each range."""

    def __init__(self, end: int):
        self.end = end

    def suggest_categorical(self, _, choices):
        return choices[self.end]

    def suggest_int(self, _, low, high, **__):
        return (low, high)[self.end]

    suggest_float = suggest_int


@pytest.mark.parametrize("model", MODELS)
def test_every_model_searches_settings_that_it_can_keep(model, tmp_path):
    learner = load_learner(model)
    lowest, highest = (learner.search_space(EndOfEveryRange(end)) for end in (0, -1))
    assert len(lowest) >= 6
    assert not [name for name in lowest.keys() & highest.keys() if lowest[name] == highest[name]], "nothing to choose"
    for suggested in (lowest, highest):
        # raises where a model has no such setting, or two settings do not go together
        config = dataclasses.replace(learner.config(), **suggested)
        write_config(tmp_path / "best.yml", config, comments=[])
        assert read_config(tmp_path / "best.yml", type(config)) == config  # raises for values of another type


def test_a_target_that_cannot_be_written_is_refused_before_the_minutes(town, capsys):
    (town / "file").write_text("no folder")
    with pytest.raises(ModelError, match=r"a folder .*/file in which best\.yml can be written"):
        tune("next_item", DS, minutes=5, trials=1, output=town / "file" / "best.yml")
    assert "with the present configuration" not in capsys.readouterr().out
    assert not (town / "tuning").exists()
