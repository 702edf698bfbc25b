"""Registries that people edit: what is missing is a sentence before the work, and one model's trouble is its own."""

import json
import shutil
from pathlib import Path
from urllib.parse import urlparse

import pytest

from contracts.errors import LakeError, ModelError
from contracts.settings import Settings
from tests.training.copied_versions import copied
from tests.training.markov_town import DS, publish
from training.promote import promote, promote_each
from training.registry.client import CHALLENGER, CHAMPION, PINNED, Registry
from training.train import train, train_alone

EARLIER, LATER = "2026-11-19", "2026-11-21"


@pytest.fixture
def registry(own_home):  # noqa: ARG001  the home that the settings name
    return Registry.of(Settings.from_env())


def last_line(home) -> dict:
    return json.loads((home / "ledger.jsonl").read_text().splitlines()[-1])


def report(home, step, model="next_item") -> dict:
    return json.loads((home / "reports" / DS / f"{step}-{model}.json").read_text())["models"][model]


def champion_of(registry: Registry) -> str:
    return registry.aliased("next_item", CHAMPION).number


def test_a_version_that_was_registered_by_hand_is_named_before_the_work(own_home, registry, capsys):
    registry.set_alias(copied(registry, without=("ds", "sha256.")), CHALLENGER)
    with pytest.raises(ModelError, match=r"version 2 of next_item .* without the tags `ds` and `sha256\.<file>`"):
        promote_each(["next_item"], DS)
    assert "promote next_item: failed: " in capsys.readouterr().out
    assert report(own_home, "promote")["decision"] == "failed"


def test_an_experiment_in_the_trash_is_named_before_the_training(own_home, registry):
    number = registry.client.get_experiment_by_name("next_item").experiment_id
    registry.client.delete_experiment(number)
    shutil.rmtree(own_home / "checkpoints", ignore_errors=True)
    with pytest.raises(ModelError, match=f"mlflow experiments restore --experiment-id {number}"):
        train_alone("next_item", DS, own_home / "small.yml")
    assert not (own_home / "checkpoints").exists()
    assert report(own_home, "train")["decision"] == "failed"


def test_a_run_whose_files_are_gone_is_a_sentence(own_home, registry):
    run = registry.client.get_run(registry.version("next_item", "1").run_id)
    shutil.rmtree(Path(urlparse(run.info.artifact_uri).path))
    with pytest.raises(ModelError, match=r"parity\.npz of the run that trained next_item version 1"):
        promote("next_item", DS)
    # A champion is compared by its model alone: what stood beside its training is not asked for.
    registry.set_alias(registry.version("next_item", "1"), CHAMPION)
    assert promote("next_item", DS) == "kept"
    assert own_home.is_dir()


@pytest.mark.parametrize(
    ("content", "error", "sentence"),
    [
        (b"no Parquet at all", LakeError, r"received no whole Parquet file; make that day of the table again"),
        (
            b"PAR1" + b"\xff" * 40 + (40).to_bytes(4, "little") + b"PAR1",
            ModelError,
            r"promote of response on 2026-11-20 that ends, but received OSError in \S+, line \d+; ",
        ),
    ],
)
def test_trouble_of_any_class_with_one_model_keeps_no_other_from_its_decision(
    own_home, capsys, content, error, sentence
):
    publish(own_home, "training_responses", [{"person_id": "p1"}])
    for file in (own_home / "lake" / "training_responses" / f"ds={DS}").glob("*.parquet"):
        file.write_bytes(content)
    with pytest.raises(error, match=sentence) as caught:
        promote_each(["response", "next_item"], DS, mode="dry_run")
    assert report(own_home, "promote", "response")["decision"] == "failed"
    assert last_line(own_home)["model"] == "next_item"
    assert caught.value.origin is not None, "for the trace, which its owner alone can read"
    assert "Traceback" not in capsys.readouterr().err


def test_an_older_day_takes_no_championship(own_home, registry):
    registry.promote(registry.version("next_item", "1"))
    registry.set_alias(copied(registry, ds=EARLIER), CHALLENGER)
    assert promote("next_item", DS) == "refused"
    assert "the champion, version 1, learned from a later day, 2026-11-20" in last_line(own_home)["reasons"][0]
    assert champion_of(registry) == "1"


def test_the_newest_challenger_stays_challenger(own_home, registry, capsys):
    registry.client.set_model_version_tag("next_item", "1", "ds", LATER)
    assert train("next_item", DS, own_home / "small.yml") == "2"
    assert registry.aliased("next_item", CHALLENGER).number == "1"
    assert "registered version 2; version 1, which learned from 2026-11-21, stays challenger" in capsys.readouterr().out


def test_a_champion_that_was_put_back_by_hand_stays_until_a_new_challenger_earns_it(own_home, registry):
    first = registry.version("next_item", "1")
    registry.promote(first)
    second = copied(registry)
    registry.promote(second)
    registry.set_alias(first, CHAMPION)  # by hand
    registry.set_alias(second, CHALLENGER)
    assert promote("next_item", DS) == "kept"
    assert last_line(own_home)["reasons"][0].startswith("version 2 has been champion, and version 1 was put back")
    assert champion_of(registry) == "1"

    third = copied(registry, without=("promoted",))
    registry.set_alias(third, CHALLENGER)
    assert promote("next_item", DS) == "promoted"
    assert registry.aliased("next_item", CHAMPION).tags["judged_version"] == "3"


def test_a_pinned_champion_stays(own_home, registry):
    registry.promote(registry.version("next_item", "1"))
    registry.client.set_model_version_tag("next_item", "1", PINNED, "until the sale is over")
    registry.set_alias(copied(registry), CHALLENGER)
    assert promote("next_item", DS) == "kept"
    assert "version 1 is champion and pinned" in last_line(own_home)["reasons"][0]


def test_a_promotion_that_was_cut_off_is_ended(own_home, registry):
    registry.set_alias(registry.version("next_item", "1"), CHAMPION)
    assert promote("next_item", DS) == "kept"
    assert registry.aliased("next_item", CHALLENGER) is None
    assert "promoted" in registry.version("next_item", "1").tags
    assert last_line(own_home)["decision"] == "kept"
