import datetime
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import LakeError, ModelError
from contracts.lake import Lake
from contracts.settings import REPOSITORY, Settings
from contracts.tables.activation import PLANS
from contracts.verdicts import Verdicts
from lake_tables.arrow import arrow_schema
from tests.training.markov_town import DS, build_town, item, person
from training.promote import promote, promote_each
from training.registry.client import CHALLENGER, CHAMPION, Registry
from training.train import git_commit, main, train


def fragment(home, step):
    return json.loads((home / "reports" / DS / f"{step}-next_item.json").read_text())["models"]["next_item"]


def ledger_lines(home):
    return [json.loads(line) for line in (home / "ledger.jsonl").read_text().splitlines()]


def test_training_leaves_a_complete_run(home):
    registry = Registry.of(Settings.from_env())
    version = registry.version("next_item", "1")
    run = registry.client.get_run(version.run_id)
    assert run.data.params["dimensions"] == "16"
    assert {"test_ndcg_at_10", "baseline_popularity_ndcg_at_10", "baseline_recency_ndcg_at_10"} <= set(run.data.metrics)
    assert len(registry.client.get_metric_history(version.run_id, "validation_ndcg_at_10")) == 6
    assert run.data.tags["data_hash"] == version.tags["data_hash"]
    assert run.inputs.dataset_inputs[0].dataset.name == f"training_sequences/ds={DS}"
    people = pd.read_parquet(registry.run_file(version, "units.parquet"))
    assert len(people) == 108  # of 120, every tenth refuses training
    assert "person_id" not in people
    assert people["model_ndcg_at_10"].mean() == pytest.approx(run.data.metrics["test_ndcg_at_10"], abs=1e-5)
    low, high = (run.data.metrics[f"test_ndcg_at_10_{end}"] for end in ("low", "high"))
    assert low <= run.data.metrics["test_ndcg_at_10"] <= high  # the ring is easy: all may be 1
    ends = [run.data.metrics[f"baseline_popularity_ndcg_at_10{end}"] for end in ("_low", "", "_high")]
    assert ends[0] < ends[1] < ends[2] < low
    card = registry.run_file(version, "card.html").read_text()
    assert "ends of the 95% interval of ndcg@10" in card
    assert "No campaign explored in the last 14 nights" in card
    for title in ("Protocol", "Learning curve", "Beside baselines", "Groups", "Attributions", "Privacy", "Limits"):
        assert f"<h2>{title}" in card
    assert (
        f"runs/{version.run_id}/artifacts/card.html" in registry.client.get_model_version("next_item", "1").description
    )
    assert registry.run_file(version, "epochs.png").read_bytes().startswith(b"\x89PNG")
    assert not list((home / "artifacts").rglob("*.pkl"))
    report = fragment(home, "train")
    assert report["version"] == version.number
    assert report["interval"] == pytest.approx([low, high], abs=1e-6)
    assert report["metrics"]["ndcg@10"] > report["baselines"]["popularity"]["ndcg@10"]


def test_promotion_from_dry_run_to_refusal(own_home):
    home = own_home
    registry = Registry.of(Settings.from_env())
    assert promote("next_item", DS, mode="dry_run") == "promoted"
    assert registry.aliased("next_item", CHALLENGER).number == "1"
    assert registry.aliased("next_item", CHAMPION) is None
    assert fragment(home, "promote")["dry_run"] is True

    assert promote("next_item", DS) == "promoted"
    assert registry.aliased("next_item", CHAMPION).number == "2", "version 1, trained on everything"
    assert registry.aliased("next_item", CHALLENGER) is None, "a champion is no challenger any more"
    assert promote("next_item", DS) == "kept"

    (home / "worse.yml").write_text("epochs: 1\nlearning_rate: 1.0e-7\ndimensions: 4\n")
    assert train("next_item", DS, home / "worse.yml") == "3"
    assert promote("next_item", DS) == "refused"
    assert registry.aliased("next_item", CHAMPION).number == "2"
    reasons = " ".join(fragment(home, "promote")["reasons"])
    assert "version 1 stands for the champion, which learned from everything" in reasons
    assert "of the champion on 108 people" in reasons
    assert "of popularity on 108 people" in reasons

    lines = ledger_lines(home)
    assert [line["decision"] for line in lines] == ["promoted", "promoted", "refit", "kept", "refused"]
    assert [line["previous_champion"] for line in lines] == [None, None, "1", "2", "2"]
    assert lines[-1]["numbers"]["challenger"] < lines[-1]["numbers"]["champion"]


def test_what_the_lists_of_a_challenger_would_have_earned_is_on_the_page_of_the_gate(own_home, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_SMALLEST_GROUP", "5")
    lake, random = Lake(own_home / "lake"), np.random.default_rng(1)
    plans, acts = [], []
    for number in range(108):
        pool = [item(number), item(number + 1)]
        drawn = int(random.integers(2))
        plans.append(
            {
                "person_id": person(number),
                "campaign": "page",
                "channel": "site",
                "items": [pool[drawn]],
                "item_propensities": [0.5],
                "pool": pool,
                "propensity": 1.0,
                "cost": 0.0,
            }
        )
        if number % 2:
            moment = datetime.datetime(2026, 11, 19, 12, tzinfo=datetime.UTC)
            acts.append({"person_id": person(number), "item_id": pool[drawn], "occurred_at": moment})
    for table, ds, rows, schema in (
        ("plans", "2026-11-18", plans, arrow_schema(PLANS)),
        ("fct_interactions", "2026-11-19", acts, None),
    ):
        file = lake.staging(table) / "rows.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), file)
        lake.publish(table, ds, {file.name: file})
    assert promote("next_item", DS, mode="ask") == "awaiting approval"
    found = fragment(own_home, "promote")["off_policy"]
    people = [number for number in range(108) if number % 10 != 9]  # every tenth refuses training
    assert found["places"] == len(people)
    assert found["logged"] == pytest.approx(np.mean([number % 2 for number in people]), abs=1e-6)
    assert found["ips_low"] < found["ips"] < found["ips_high"]
    assert ledger_lines(own_home)[-1]["off_policy"] == found
    page = Verdicts(own_home / "approvals").of("next_item").page
    assert "### What its lists would have earned" in page
    assert found["words"] in page


@pytest.mark.usefixtures("home")
def test_evaluate_prints_what_training_measured():
    answer = subprocess.run(
        [sys.executable, "-m", "training.evaluate", "--model", "next_item", "--version", "1", "--ds", DS],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    evaluated = json.loads(answer.stdout)
    registry = Registry.of(Settings.from_env())
    run = registry.client.get_run(registry.version("next_item", "1").run_id)
    assert evaluated["metrics"]["ndcg@10"] == pytest.approx(run.data.metrics["test_ndcg_at_10"], abs=1e-6)
    assert evaluated["score_difference"] <= 1e-5


def test_a_day_without_marts(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    with pytest.raises(LakeError, match=r"dbt_project\.build --ds 2026-11-20"):
        train("next_item", DS)


def test_too_few_people(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    build_town(tmp_path, people=5)
    assert train("next_item", DS) == "skipped"
    assert promote("next_item", DS) == "skipped"
    assert "5 such people among 5" in fragment(tmp_path, "train")["reasons"][0]
    assert ledger_lines(tmp_path)[-1]["decision"] == "skipped"


@pytest.mark.parametrize(("release", "commit"), [("0123456789ab", "release 0123456789ab"), ("", "unknown")])
def test_where_there_is_no_checkout_a_version_names_the_release(tmp_path, release, commit):
    settings = Settings.from_env({"NIGHTSHIFT_HOME": str(tmp_path), "NIGHTSHIFT_RELEASE": release})
    assert git_commit(settings, tmp_path) == commit


def test_in_a_checkout_a_version_names_the_commit(tmp_path):
    for command in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a", "--allow-empty"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    [line] = (tmp_path / ".git" / "logs" / "HEAD").read_text().splitlines()
    assert git_commit(Settings.from_env({"NIGHTSHIFT_RELEASE": "0123456789ab"}), tmp_path) == line.split()[1]


def test_no_challenger(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    build_town(tmp_path, people=20)
    with pytest.raises(ModelError, match="no version with the alias `challenger`"):
        promote("next_item", DS)


@pytest.mark.parametrize("module", ["train", "evaluate", "promote", "approve", "tune"])
def test_help_teaches(module):
    command = [sys.executable, "-m", f"training.{module}", "--help"]
    answer = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert f"python -m training.{module} --model next_item" in answer.stdout


def test_an_unknown_model_is_one_sentence_and_status_2(monkeypatch, capsys):
    monkeypatch.setattr("training.train.choose_backend", lambda _: None)  # that of the other tests stays
    monkeypatch.setattr(sys, "argv", ["training.train", "--model", "next_itm", "--ds", DS])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith("did you mean 'next_item'?")


def test_a_model_that_cannot_be_judged_keeps_no_other_from_it(own_home):
    with pytest.raises(ModelError, match="a challenger of taste_autoencoder"):
        promote_each(["taste_autoencoder", "next_item"], DS, mode="dry_run")
    assert ledger_lines(own_home)[-1]["model"] == "next_item"
