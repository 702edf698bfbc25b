"""`promote --mode shadow`: what passed scores without being shown, until it is champion or another takes its place."""

from __future__ import annotations

import json

import pytest

from contracts.settings import Settings
from tests.training.markov_town import DS
from training.promote import promote
from training.registry.client import CHALLENGER, CHAMPION, SHADOW, Registry


@pytest.fixture
def registry(own_home):  # noqa: ARG001  the home that the settings name
    return Registry.of(Settings.from_env())


def last_line(home) -> dict:
    return json.loads((home / "ledger.jsonl").read_text().splitlines()[-1])


def aliased(registry: Registry) -> dict[str, str]:
    found = {alias: registry.aliased("next_item", alias) for alias in (CHAMPION, CHALLENGER, SHADOW)}
    return {alias: version.number for alias, version in found.items() if version is not None}


def test_what_passed_is_in_shadow_until_it_is_champion(own_home, registry):
    assert promote("next_item", DS, mode="shadow") == "in shadow"
    assert aliased(registry) == {CHALLENGER: "1", SHADOW: "2"}, "version 2 is version 1, trained on everything"
    line = last_line(own_home)
    assert (line["decision"], line["version"], line["dry_run"]) == ("in shadow", "1", False)
    assert promote("next_item", DS) == "promoted"
    assert aliased(registry) == {CHAMPION: "2"}


def test_of_a_model_that_ranks_nothing_nothing_moves(own_home, registry, monkeypatch):
    monkeypatch.setattr("training.registry.client.SHADOWED", ())
    assert promote("next_item", DS, mode="shadow") == "promoted"
    assert aliased(registry) == {CHALLENGER: "1"}
    assert last_line(own_home)["dry_run"] is True
    assert last_line(own_home)["reasons"][-1] == "it ranks no items, so that nothing of it can be in shadow"
