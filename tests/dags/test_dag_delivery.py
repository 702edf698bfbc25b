"""Audiences leave by themselves, or when a person lets them, and nothing happens where there is no destination."""

from __future__ import annotations

import datetime
import json

import pytest
from airflow.providers.standard.operators import hitl

DAY = "2026-11-19"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home with the report of a night, and one destination."""
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    monkeypatch.setenv("NIGHTSHIFT_DESTINATIONS", str(tmp_path / "destinations.yml"))
    (tmp_path / "destinations.yml").write_text("destinations:\n  crm: {kind: webhook}\n")
    (tmp_path / "reports").mkdir()
    report = {"audiences": {"letters": {"status": "exported", "exported": 400}}}
    (tmp_path / "reports" / f"nightly-{DAY}.json").write_text(json.dumps(report))
    return tmp_path


def approve(dags, mode: str):
    task = dags["deliver_audiences"].get_task("approve").prepare_for_execution()
    object.__setattr__(task, "day", DAY)
    object.__setattr__(task, "mode", mode)
    object.__setattr__(task, "notifiers", [])
    return task


@pytest.mark.usefixtures("home")
def test_a_person_is_asked_and_sees_how_many_people_there_are(dags, monkeypatch):
    shown = {}
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **detail: shown.update(detail))
    task = approve(dags, "ask")
    assert task.defaults == ["Reject"], "no answer is a no"
    with pytest.raises(hitl.TaskAwaitingInput):
        task.execute({"task_instance": type("TaskInstance", (), {"id": "7"})})
    assert shown["subject"] == f"Shall the audiences of {DAY} be delivered to crm?"
    assert "| letters | 400 | exported |" in shown["body"]


@pytest.mark.parametrize(("option", "expected"), [("Approve", ["crm"]), ("Reject", [])])
@pytest.mark.usefixtures("home")
def test_an_answer_says_where_audiences_go(dags, option, expected):
    now = datetime.datetime.now(datetime.UTC)
    event = {"chosen_options": [option], "params_input": {}, "responded_at": now, "responded_by_user": None}
    answer = approve(dags, "ask").execute_complete({}, event)
    assert dags["deliver_audiences"].get_task("list_destinations").python_callable(answer) == expected


def test_nobody_is_asked_where_nothing_is_configured(dags, home):
    assert approve(dags, "auto").execute({}) == "go"
    (home / "destinations.yml").write_text("destinations: {}\n")
    assert approve(dags, "ask").execute({}) == "go"
    assert dags["deliver_audiences"].get_task("list_destinations").python_callable("go") == []


def test_settings_that_ask_let_no_form_get_round_it(monkeypatch, dags):
    assert dags["deliver_audiences"].params["approval"] == "auto"
    from shared.delivery import delivery_approval_param

    monkeypatch.setenv("NIGHTSHIFT_DELIVERY_APPROVAL", "ask")
    assert delivery_approval_param().schema["enum"] == ["ask"]
