"""The models' part of an erasure: which versions learned from a person, and what goes with that person."""

import json
import shutil

import pandas as pd
import pytest

from contracts.erasure import ENFORCE, ModelsReport, OpenRequest, Subject
from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.settings import Settings
from tests.homes import copied_home
from tests.training.markov_town import DS, person, publish
from training.evaluate import score_difference
from training.forget import UNKNOWN, forget, learned
from training.promote import promote
from training.registry.client import CHALLENGER, FORGOTTEN, Registry
from training.registry.erasure import Kept

REQUEST = "5f0c2d"
LEARNED_FROM, REFUSED_TRAINING = person(3), person(9)


@pytest.fixture(scope="module")
def own_home(trained_home, tmp_path_factory):
    """A town whose version 1 is nobody else's: other tests keep theirs."""
    return copied_home(trained_home, tmp_path_factory.mktemp("forget") / "home")


@pytest.fixture
def home(own_home, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(own_home))
    return own_home


def request(home, *people, name=REQUEST):
    folder = home / "erasures" / name
    folder.mkdir(parents=True, exist_ok=True)
    OpenRequest(ENFORCE, Subject("account:0a", identifiers=(), person_ids=people, days=(DS,)), ()).write(folder)
    return folder


def trashed(registry, home):
    """A run in MLflow's trash with a file, and the model that it logged, with another."""
    experiment = registry.client.get_experiment_by_name("next_item").experiment_id
    file = home / "left.json"
    file.write_text("{}")
    run = registry.client.create_run(experiment)
    registry.client.log_artifact(run.info.run_id, str(file))
    model = registry.client.create_logged_model(experiment, name="left", source_run_id=run.info.run_id)
    registry.client.log_model_artifact(model.model_id, str(file))
    registry.client.delete_run(run.info.run_id)


def test_a_request_from_dry_run_to_the_second_time(home):
    """The only test that changes what others look at; they ask nothing of it."""
    registry = Registry.of(Settings.from_env())
    trashed(registry, home)
    for name in ("owner/people-1.json", "owner/secret.key", "to_partner/vectors-1.ckks"):
        (home / "encrypted" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "encrypted" / name).touch()
    before = {file: file.read_bytes() for file in (home / "artifacts").rglob("*") if file.is_file()}
    assert sum(file.name == "left.json" for file in before) == 2

    looked = forget(request(home, LEARNED_FROM), mode="dry_run")
    assert [(one.model, one.version) for one in looked.found] == [("next_item", "1")]
    assert looked.marked == looked.deleted == ()
    assert {file: file.read_bytes() for file in before} == before
    assert FORGOTTEN not in registry.version("next_item", "1").tags

    done = forget(request(home, LEARNED_FROM), mode="enforce")
    assert ModelsReport.read(home / "erasures" / REQUEST) == done
    assert done.marked[0].forgotten.startswith("1 people since 20")
    left = {file.name for file in (home / "artifacts").rglob("*") if file.is_file()}
    assert not left & {"parity.npz", "units.parquet", "input_example.json", "serving_input_example.json", "left.json"}
    assert "card.html" in left
    assert {one.what: one.count for one in done.deleted} == {
        "files with rows of people": 4,
        "logged models without a version": 1,
        "runs in the trash": 1,
        "files of encrypted profiles": 2,
    }
    assert [file.name for file in (home / "encrypted").glob("*/*")] == ["secret.key"]
    assert not any(LEARNED_FROM in text for text in (str(done), str(registry.version("next_item", "1").tags)))

    version = registry.version("next_item", "1")
    served = registry.load(version)
    answer = served.predict(pd.DataFrame({"history": [["i00", "i01"]], "occurred_at": [[1.0, 2.0]]}))
    assert len(answer) == 1
    assert score_difference(registry, version, served.unwrap_python_model()) is None

    assert forget(request(home, LEARNED_FROM), mode="enforce").marked == done.marked
    again = forget(request(home, person(4), name="a second"), mode="enforce")
    assert again.marked[0].forgotten.startswith("2 people since 20")

    assert promote("next_item", DS) == "refused"
    assert "train again" in json.loads((home / "ledger.jsonl").read_text().splitlines()[-1])["reasons"][0]
    assert registry.aliased("next_item", CHALLENGER).number == "1"

    # an attempt that was cut off after the lake was erased still finds what it found before
    forget(request(home, person(5), name="cut off"), mode="enforce")
    shutil.rmtree(home / "lake" / ".runs" / "training_sequences" / DS)
    publish(home, "training_sequences", [{"person_id": person(1), "consent_training": True}])
    found = forget(request(home, person(5), name="cut off"), mode="enforce").found
    assert [one.version for one in found] == ["1"]


def test_nobody_is_found_who_refused_training_or_is_unknown(home):
    assert forget(request(home, REFUSED_TRAINING, name="third"), mode="enforce").found == ()
    assert forget(request(home, name="fourth"), mode="enforce").found == ()


def test_a_request_without_a_subject(home):
    with pytest.raises(LakeError, match=r"subject\.json.*No such file"):
        forget(home / "erasures" / "none", mode="dry_run")


def run(number, model, table, ds, synthetic_rows=0):
    return Kept(number, model, table, ds, synthetic_rows, in_trash=False, logged=(), versions=())


def test_a_model_learns_from_a_person_through_synthetic_rows(tmp_path):
    lake = Lake(tmp_path / "lake")
    publish(tmp_path, "training_responses", [{"person_id": person(1), "consent_training": True}])
    later = tmp_path / "lake" / ".runs" / "training_responses" / "2026-11-22" / "run"
    later.mkdir(parents=True)
    pd.DataFrame({"person_id": [person(2)], "consent_training": [True]}).to_parquet(later / "part-0.parquet")
    kept = [
        run("g1", "interest_gan", "training_responses", DS),
        run("r1", "response", "training_responses", "2026-11-22", synthetic_rows=10),
        run("r2", "response", "training_responses", "2026-11-22"),
        run("n1", "next_item", "training_sequences", DS),
        run("search", "response", "", ""),
    ]
    found = learned(lake, kept, [person(1)], generator="interest_gan")
    assert set(found) == {"g1", "r1", "n1"}
    assert "synthetic rows" in found["r1"]
    assert found["n1"] == UNKNOWN
    assert set(learned(lake, kept, [person(7)], generator="interest_gan")) == {"n1"}


@pytest.mark.parametrize(
    ("model", "table"), [("interest_vision", "training_pictures"), ("interest_audio", "training_sounds")]
)
def test_pictures_and_sounds_of_items_are_nobodys(tmp_path, model, table):
    lake = Lake(tmp_path / "lake")
    rows = [
        {"path": "1", "person_id": None, "category": "books"},
        {"path": "2", "person_id": person(1), "category": None},
    ]
    publish(tmp_path, table, rows)
    assert learned(lake, [run("v1", model, table, DS)], [person(1)], generator="") == {}
