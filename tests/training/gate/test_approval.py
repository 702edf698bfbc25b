"""Promotion by a person: a verdict that waits, and what each answer to it does."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from contracts.errors import ModelError
from contracts.settings import Settings
from contracts.verdicts import Verdict, Verdicts
from tests.training.markov_town import DS
from training.approve import apply_answer, approve
from training.gate.approval_page import approval_page
from training.gate.decision import Compared, Decision
from training.learner import Measured
from training.promote import promote
from training.registry.client import CHALLENGER, CHAMPION, Registry

LINE = {
    "ds": DS,
    "model": "next_item",
    "version": "3",
    "previous_champion": "2",
    "decision": "awaiting approval",
    "by": None,
    "reasons": ["better than popularity"],
}


class FakeRegistry:
    """Aliases and nothing else."""

    def __init__(self, *, tags: dict[str, str] | None = None, **numbers: str | None) -> None:
        self.numbers, self.tags = numbers, tags or {}

    def aliased(self, model: str, alias: str):
        number = self.numbers.get(alias)
        return None if number is None else SimpleNamespace(model=model, number=number, tags=self.tags)

    def promote(self, version) -> None:
        self.numbers["champion"] = version.number
        if self.numbers.get("challenger") == version.number:
            del self.numbers["challenger"]


@pytest.fixture
def settings(tmp_path):
    """Settings of a home in which version 3 waits, judged beside champion 2."""
    made = Settings.from_env({"NIGHTSHIFT_HOME": str(tmp_path)})
    Verdicts(made.home.approvals).record(Verdict(LINE, "# page"))
    return made


def apply(settings, registry, *, by="ada", answer="approve", version="3", ds=DS):
    return apply_answer(settings, registry, model="next_item", ds=ds, version=version, answer=answer, by=by)


def test_an_approval_moves_the_champion_and_names_who_approved(settings):
    registry = FakeRegistry(challenger="3", champion="2")
    line = apply(settings, registry)
    assert registry.numbers["champion"] == "3"
    assert (line["decision"], line["by"]) == ("promoted", "ada")
    assert line["reasons"] == ["approved by ada", "better than popularity"]


def test_a_version_that_has_to_forget_somebody_since_is_not_approved(settings):
    registry = FakeRegistry(challenger="3", champion="2", tags={"forgotten": "1 people since 2026-11-21"})
    with pytest.raises(ModelError, match="which learned from 1 people since 2026-11-21"):
        apply(settings, registry)
    assert registry.numbers["champion"] == "2"


@pytest.mark.parametrize(("by", "reason"), [("ada", "rejected by ada"), (None, "no answer in 6 hours")])
def test_a_rejection_moves_nothing_and_says_why(settings, by, reason):
    registry = FakeRegistry(challenger="3", champion="2")
    line = apply(settings, registry, by=by, answer="reject")
    assert registry.numbers["champion"] == "2"
    assert (line["decision"], line["by"], line["reasons"][0]) == ("rejected", by, reason)


@pytest.mark.parametrize(
    ("aliases", "received"),
    [
        ({"challenger": "3", "champion": "1"}, "challenger version 3 and champion version 1"),
        ({"challenger": "3"}, "challenger version 3 and champion none"),
        ({"challenger": "4", "champion": "2"}, "challenger version 4 and champion version 2"),
    ],
    ids=["another champion", "no champion", "another challenger"],
)
def test_an_approval_is_refused_when_things_have_changed_meanwhile(settings, aliases, received):
    registry = FakeRegistry(**aliases)
    with pytest.raises(ModelError, match=f"received {received}; nothing was moved"):
        apply(settings, registry)
    assert registry.numbers == aliases


@pytest.mark.parametrize(
    "aliases",
    [{"challenger": "3", "champion": "3"}, {"champion": "3"}],
    ids=["before challenger was removed", "before it was written down"],
)
def test_an_approval_that_was_cut_off_can_be_done_again(settings, aliases):
    registry = FakeRegistry(**aliases)
    assert apply(settings, registry)["decision"] == "promoted"
    assert registry.numbers == {"champion": "3"}


@pytest.mark.parametrize(
    ("version", "ds", "received"),
    [("2", DS, f"one on version 3 of {DS}"), ("3", "2026-11-18", f"one on version 3 of {DS}")],
)
def test_an_approval_holds_for_what_was_shown(settings, version, ds, received):
    with pytest.raises(ModelError, match=received):
        apply(settings, FakeRegistry(challenger="3", champion="2"), version=version, ds=ds)


def test_an_approval_by_nobody_is_refused(settings):
    registry = FakeRegistry(challenger="3", champion="2")
    with pytest.raises(ModelError, match="the name of who approved"):
        apply(settings, registry, by="")
    assert registry.numbers["champion"] == "2"


def test_only_verdicts_of_the_day_wait(settings):
    verdicts = Verdicts(settings.home.approvals)
    assert verdicts.waiting(["response", "next_item"], DS) == [{"model": "next_item", "version": "3", "ds": DS}]
    assert verdicts.waiting(["next_item"], "2026-11-21") == []
    verdicts.forget("next_item")
    assert verdicts.waiting(["next_item"], DS) == []


def test_the_page_shows_the_challenger_beside_the_champion():
    def measured(*values: float, **metrics: float) -> Measured:
        return Measured("ndcg@10", np.array(values), {"ndcg@10": float(np.mean(values)), **metrics})

    compared = Compared(
        unit="people",
        challenger=measured(0.2, 0.4, **{"coverage@10": 0.5}),
        champion=measured(0.1, 0.3, **{"coverage@10": 0.6}),
        baselines={"popularity": measured(0.0, 0.1)},
        slices=pd.DataFrame({"region": ["north", "south"]}),
        score_difference=0.0,
    )
    rows = approval_page(LINE, compared, "https://models.example/", 20).splitlines()
    assert "| metric | challenger (version 3) | champion (version 2) | popularity |" in rows
    assert "| **ndcg@10** | 0.3000 | 0.2000 | 0.0500 |" in rows
    assert "| coverage@10 | 0.5000 | 0.6000 | - |" in rows
    assert "| region: south | 1 | 0.4000 | 0.3000 |" in rows
    assert "- better than popularity" in rows
    assert "[version 3](https://models.example/#/models/next_item/versions/3)" in rows[0]
    assert "champion: [version 2](https://models.example/#/models/next_item/versions/2)" in rows[0]


@pytest.mark.usefixtures("own_home")
def test_from_the_verdict_to_the_answer_on_a_trained_model(monkeypatch):
    settings = Settings.from_env()
    registry, verdicts = Registry.of(settings), Verdicts(settings.home.approvals)

    def report() -> dict:
        return json.loads((settings.home.reports / DS / "promote-next_item.json").read_text())["models"]["next_item"]

    assert promote("next_item", DS, mode="ask") == "awaiting approval"
    assert registry.aliased("next_item", CHAMPION) is None
    assert report()["decision"] == "awaiting approval"
    assert "challenger (version 1)" in verdicts.of("next_item").page
    assert approve("next_item", DS, "1", answer="reject", by=None) == "rejected"
    assert registry.aliased("next_item", CHAMPION) is None
    assert report()["reasons"][0] == "no answer in 6 hours"
    with pytest.raises(ModelError, match="but received none"):
        approve("next_item", DS, "1", answer="approve", by="ada")

    with monkeypatch.context() as patch:
        patch.setattr("training.promote.decide", lambda *_: Decision(False, ["worse than popularity"]))
        assert promote("next_item", DS, mode="ask") == "refused"
    assert verdicts.waiting(["next_item"], DS) == [], "what the gate refused is not shown to anybody"
    with pytest.raises(ModelError, match="only what has passed the gate can be approved"):
        approve("next_item", DS, "1", answer="approve", by="ada")
    assert registry.aliased("next_item", CHAMPION) is None

    assert promote("next_item", DS, mode="ask") == "awaiting approval"
    assert approve("next_item", DS, "1", answer="approve", by="ada") == "promoted"
    assert registry.aliased("next_item", CHAMPION).number == "2", "version 1, trained on everything"
    assert registry.aliased("next_item", CHALLENGER) is None
    assert report()["by"] == "ada"
    assert report()["refit"]["decision"] == "served"

    lines = [json.loads(line) for line in settings.home.ledger.read_text().splitlines()]
    waits = ("awaiting approval", None)
    decisions = [(line["decision"], line["by"]) for line in lines]
    assert decisions == [waits, ("rejected", None), ("refused", None), waits, ("promoted", "ada"), ("refit", None)]
