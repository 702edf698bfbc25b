"""What a night measured lies beside the versions that it is about."""

from __future__ import annotations

import pytest

from contracts.settings import Settings
from tests.training.markov_town import DS, publish
from training.realised import log_measured
from training.registry.client import Registry

VERSION = "next_item/1"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A home whose registry has one version, and the run that trained it."""
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    registry = Registry.of(Settings.from_env())
    experiment = registry.client.create_experiment("next_item", artifact_location=(tmp_path / "artifacts").as_uri())
    run = registry.client.create_run(experiment)
    registry.client.create_registered_model("next_item")
    tags = {"ds": "2026-11-18"}
    registry.client.create_model_version("next_item", run.info.artifact_uri, run.info.run_id, tags=tags)
    return run.info.run_id


def realised(model_version: str, metric: str, value: float, people_of: str = VERSION) -> dict:
    return {"people_of": people_of, "model_version": model_version, "metric": metric, "value": value}


def test_a_night_is_logged_beside_its_versions_and_once(run, tmp_path, capsys):
    publish(
        tmp_path,
        "realised",
        [
            realised(VERSION, "ndcg@10", 0.25),
            realised("popularity", "ndcg@10", 0.125),
            realised("popularity", "hit_rate@10", 0.1, people_of="popularity"),  # no model's
            realised("next_item/99", "ndcg@10", 0.5, people_of="next_item/99"),
        ],
    )
    of_visits = {"campaign": "letters", "arm": "treated", "metric": "visit", "difference": 0.5}
    publish(
        tmp_path,
        "lift",
        [
            {**of_visits, "low": 0.25, "high": 0.75},
            {**of_visits, "metric": "euros", "low": None, "high": None},
        ],
    )
    rows = [{"person_id": "p", "rank": 1, "item_id": "i", "score": 1.0, "reason": "", "model_version": VERSION}]
    publish(tmp_path, "scores", rows)
    folder = tmp_path / "reports" / DS
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "realised.svg").write_text("<svg/>")
    for _ in range(2):
        log_measured(DS)
    assert "registry next_item/99: not logged: expected a registered version of next_item" in capsys.readouterr().out
    registry = Registry.of(Settings.from_env())
    metrics = registry.client.get_run(run).data.metrics
    found = {name: value for name, value in metrics.items() if name.startswith(("realised", "lift"))}
    assert found == {
        "realised_ndcg_at_10": 0.25,
        "realised_popularity_ndcg_at_10": 0.125,
        "lift_letters_treated_visit": 0.5,
        "lift_letters_treated_visit_low": 0.25,
        "lift_letters_treated_visit_high": 0.75,
        "lift_letters_treated_euros": 0.5,
    }
    [logged] = registry.client.get_metric_history(run, "realised_ndcg_at_10")  # a night is logged once
    assert logged.step == 2, "days after the one that the version learned from"
    assert [file.path for file in registry.client.list_artifacts(run, "nights")] == ["nights/realised.svg"]


def test_a_night_without_figures_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    log_measured(DS)
    assert "nothing was measured of this night" in capsys.readouterr().out
