"""Synthetic rows of the champion among generators: who may learn from them, and after an erasure who may not."""

import dataclasses
import json

import pyarrow.parquet as pq
import pytest
import yaml

from contracts.lake import Lake
from contracts.settings import Settings
from tests.training.markov_town import DS, consent_row, publish
from tests.training.models.interest_gan.test_interest_gan_learner import CONFIG, responses
from training.models.interest_gan.admission import AdmissionConfig
from training.promote import promote
from training.registry.client import CHAMPION, FORGOTTEN, Registry
from training.train import train


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home whose champion among generators was trained on its rows, and where admission refuses nothing."""
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    rows = responses(people=60)
    publish(tmp_path, "training_responses", rows.to_dict("records"))
    publish(
        tmp_path,
        "dim_person_consent",
        [consent_row(0, person_id=one, consent_training=True) for one in sorted(set(rows["person_id"]))],
    )
    (tmp_path / "small.yml").write_text(yaml.safe_dump(dataclasses.asdict(CONFIG) | {"epochs": 1, "steps": 5}))
    train("interest_gan", DS, tmp_path / "small.yml")
    registry = Registry.of(Settings.from_env())
    registry.set_alias(registry.version("interest_gan", "1"), CHAMPION)
    lenient = dataclasses.asdict(AdmissionConfig())
    lenient |= {"least_lift": -1.0, "confidence": 1 - 1e-12, "most_membership_auc": 1.0}
    (tmp_path / "gate.yml").write_text(yaml.safe_dump({"admission": lenient}))
    monkeypatch.setattr("training.models.interest_gan.synthetic_rows.CONFIGS", tmp_path)
    return tmp_path


def synthetic_rows(home) -> int:
    return sum(pq.read_metadata(file).num_rows for file in Lake(home / "lake").files("synthetic_responses", DS))


def test_rows_of_a_champion_that_learned_from_an_erased_person_are_not_published_again(home):
    assert promote("interest_gan", DS) == "kept"
    assert synthetic_rows(home) > 0
    registry = Registry.of(Settings.from_env())
    champion = registry.aliased("interest_gan", CHAMPION)
    registry.client.set_model_version_tag("interest_gan", champion.number, FORGOTTEN, "1 people since 2026-11-20")

    promote("interest_gan", DS)
    assert synthetic_rows(home) == 0
    report = json.loads((home / "reports" / DS / "promote-interest_gan.json").read_text())["models"]["interest_gan"]
    assert report["synthetic_rows"]["admission"] == "refused"
    assert "1 people since 2026-11-20 who are to be forgotten" in report["synthetic_rows"]["reasons"][0]
