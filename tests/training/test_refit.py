"""What passed the gate is trained on everything and served: what is checked, what is kept, what is left alone."""

from __future__ import annotations

import dataclasses
import json

import pytest

from contracts.erasure import ENFORCE, OpenRequest, Subject
from contracts.settings import Settings
from contracts.verdicts import champions_now
from tests.training.markov_town import DS, person
from training import refit
from training.forget import forget
from training.gate.decision import gate_of
from training.models.next_item.learner import NextItemLearner
from training.promote import promote
from training.put_back import champion_on, put_back
from training.registry.client import CHALLENGER, CHAMPION, SHADOW, Registry
from training.train import train


@pytest.fixture
def registry(own_home):  # noqa: ARG001  the home that the settings name
    return Registry.of(Settings.from_env())


def champion(registry: Registry) -> str:
    return registry.aliased("next_item", CHAMPION).number


def reported(home) -> dict:
    return json.loads((home / "reports" / DS / "promote-next_item.json").read_text())["models"]["next_item"]


def lines(home) -> list[dict]:
    return [json.loads(line) for line in (home / "ledger.jsonl").read_text().splitlines()]


def with_gate(monkeypatch, **changes) -> None:
    monkeypatch.setattr(refit, "gate_of", lambda model: dataclasses.replace(gate_of(model), **changes))


def test_what_passed_is_trained_on_everything_and_served(own_home, registry):
    assert promote("next_item", DS) == "promoted"
    judged, served = (registry.version("next_item", number) for number in ("1", "2"))
    assert champion(registry) == "2"
    assert registry.aliased("next_item", CHALLENGER) is None
    # everybody acts on the 20th, the 17th, the 14th, ...: the test begins on the 17th, the validation on the 14th
    names = ("weights", "learned_until", "judged_version", "refit_version", "ds")
    assert [judged.tags.get(name) for name in names] == ["judged", "2026-11-14", None, "2", DS]
    assert [served.tags.get(name) for name in names] == ["refit", DS, "1", None, DS]
    runs = [registry.client.get_run(version.run_id) for version in (judged, served)]
    epochs = int(judged.tags["epochs"])
    assert runs[1].data.params["epochs_run"] == str(epochs)
    assert len(registry.client.get_metric_history(served.run_id, "loss")) == epochs
    assert {one.data.params["dimensions"] for one in runs} == {"16"}
    assert runs[1].inputs.dataset_inputs[0].dataset.name == f"training_sequences/ds={DS}", "an erasure finds it"
    card = registry.run_file(served, "card.html").read_text()
    assert "<h2>Served" in card
    assert "Every figure below is of version 1" in card

    found = reported(own_home)["refit"]
    assert (found["decision"], found["version"]) == ("served", "2")
    assert found["numbers"]["validation_ndcg_at_10"] >= found["numbers"]["validation_ndcg_at_10_judged"] - 0.02
    assert 0.3 < found["numbers"]["same_of_ten"] <= 1.0
    promoted, again = lines(own_home)
    assert (again["decision"], again["version"], again["previous_champion"]) == ("refit", "2", "1")
    [now] = champions_now(own_home / "ledger.jsonl")
    assert (now.version, now.promised) == ("2", promoted["promised"])
    [sentence] = champion_on(["next_item"], again["when"][:10])
    assert "version 2 was champion, trained on everything like version 1" in sentence

    put_back("next_item", "1", by="ada")
    assert promote("next_item", DS) == "kept"
    assert champion(registry) == "1", "who put it back meant it"
    put_back("next_item", "2", by="ada")
    assert champion(registry) == "2"

    request = own_home / "erasures" / "a request"
    request.mkdir(parents=True)
    OpenRequest(ENFORCE, Subject("account:0a", identifiers=(), person_ids=(person(3),), days=(DS,)), ()).write(request)
    assert {one.version for one in forget(request, mode="enforce").marked} == {"1", "2"}
    assert not list((own_home / "artifacts").rglob("parity.npz")), "no inputs of people stay beside either"


def test_where_the_check_fails_what_was_measured_stays(own_home, registry, monkeypatch):
    with_gate(monkeypatch, refit_tolerance=-2.0)  # it would have to be better by 2
    assert promote("next_item", DS) == "promoted"
    assert champion(registry) == "1"
    assert registry.numbers("next_item") == ["1"]
    found = reported(own_home)["refit"]
    assert found["decision"] == "refused"
    assert "of version 1, which had not learned from it, and must not be below by more than -2" in found["reasons"][0]
    assert [line["decision"] for line in lines(own_home)] == ["promoted"]

    with_gate(monkeypatch, refit_minutes=1e-6)
    assert promote("next_item", DS) == "kept"
    assert reported(own_home)["refit"]["decision"] == "skipped"
    with_gate(monkeypatch)
    assert promote("next_item", DS) == "kept", "the same call goes on where a refit was cut off"
    assert champion(registry) == "2"


def test_a_training_that_fails_costs_no_champion(own_home, registry, monkeypatch):
    monkeypatch.setattr(NextItemLearner, "everything", lambda _, data: dataclasses.replace(data, offsets=None))
    assert promote("next_item", DS) == "promoted"
    assert champion(registry) == "1"
    assert reported(own_home)["refit"]["decision"] == "failed"


def test_a_version_in_shadow_knows_as_much_as_the_champion(own_home, registry):
    assert promote("next_item", DS, mode="shadow") == "in shadow"
    assert registry.aliased("next_item", SHADOW).tags["weights"] == "refit"
    assert registry.aliased("next_item", CHALLENGER).number == "1"
    assert registry.aliased("next_item", CHAMPION) is None
    assert promote("next_item", DS) == "promoted"
    assert champion(registry) == "2", "the one that was in shadow: nothing is trained twice"
    assert registry.numbers("next_item") == ["1", "2"]
    assert registry.aliased("next_item", SHADOW) is None
    assert [line["decision"] for line in lines(own_home)] == ["in shadow", "promoted", "refit"]


def test_a_challenger_that_learned_from_its_test_is_refused(own_home, registry, monkeypatch):
    load = NextItemLearner.load
    monkeypatch.setattr(NextItemLearner, "load", lambda *given: dataclasses.replace(load(*given), everything=True))
    assert train("next_item", DS, own_home / "small.yml") == "2"
    monkeypatch.undo()
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(own_home))
    assert promote("next_item", DS) == "refused"
    [reason] = reported(own_home)["reasons"]
    assert reason == f"it learned from days until {DS}, and the test begins on 2026-11-17: it has seen what it is asked"
    assert registry.aliased("next_item", CHAMPION) is None
