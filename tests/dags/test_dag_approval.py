"""What an approver is asked, and the command that each answer becomes."""

from __future__ import annotations

import datetime
from types import SimpleNamespace

import pytest
from jinja2.exceptions import UndefinedError

from contracts.settings import Settings
from contracts.verdicts import Verdict, Verdicts

DAY = "2026-11-19"
ADA = {"id": "3", "name": "ada"}


@pytest.fixture
def train_models(dags):
    return dags["train_models"]


def rendered(dag, template: str, *, answer: dict | None = None) -> str:
    """A template of the second verdict's tasks, as the DAG's own environment renders it."""
    verdicts = [{"model": "response", "version": "7"}, {"model": "next_item", "version": "3"}]
    pulled = {("passed", None): verdicts, ("consult.approve", 1): answer}
    ti = SimpleNamespace(map_index=1, xcom_pull=lambda task_ids, map_indexes=None: pulled[task_ids, map_indexes])
    context = {"ti": ti, "params": SimpleNamespace(day=DAY), "triggering_asset_events": {}}
    return dag.get_template_env().from_string(template).render(context)


def test_the_approver_is_asked_and_silence_is_a_rejection(train_models, tmp_path, monkeypatch):
    approve = train_models.get_task("consult.approve")
    assert approve.options == ["Approve", "Reject"]
    assert approve.defaults == ["Reject"]
    assert approve.response_timeout == datetime.timedelta(hours=6)
    assert rendered(train_models, approve.subject) == "Shall version 3 of next_item become the champion?"
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    line = {"model": "next_item", "version": "3", "ds": DAY}
    Verdicts(Settings.from_env().home.approvals).record(Verdict(line, "### Metrics {{ as they are }}"))
    assert rendered(train_models, approve.body) == "### Metrics {{ as they are }}"


@pytest.mark.parametrize(
    ("option", "user", "mode", "name"),
    [("Approve", ADA, "approve", "ada"), ("Reject", ADA, "reject", "ada"), ("Reject", None, "reject", "")],
    ids=["approved", "rejected", "nobody answered"],
)
def test_an_answer_becomes_a_command(train_models, option, user, mode, name):
    settle = train_models.get_task("consult.settle")
    answer = {"chosen_options": [option], "responded_by_user": user}
    command = rendered(train_models, settle.bash_command, answer=answer)
    assert command.endswith(
        f'-m training.promote --model next_item --version 3 --ds {DAY} --mode {mode} --by "$ANSWERED_BY"'
    )
    assert rendered(train_models, settle.env["ANSWERED_BY"], answer=answer) == name


def test_a_task_marked_as_done_is_no_answer(train_models):
    with pytest.raises(UndefinedError):
        rendered(train_models, train_models.get_task("consult.settle").bash_command, answer=None)


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_no_answer_skips_a_task(train_models, option):
    def skip(*_, **__):
        raise AssertionError("a skip is looked up under another map index")

    approve = train_models.get_task("consult.approve").prepare_for_execution()
    object.__setattr__(approve, "skip", skip)
    now = datetime.datetime.now(datetime.UTC)
    event = {"chosen_options": [option], "params_input": {}, "responded_at": now, "responded_by_user": ADA}
    assert approve.execute_complete({}, event)["chosen_options"] == [option]


def test_settling_waits_for_the_answer_and_the_audiences_for_both(train_models):
    assert train_models.get_task("consult.settle").upstream_task_ids == {"consult.approve"}
    assert train_models.get_task("consult.approve").upstream_task_ids == {"passed"}
    announce, answered = train_models.get_task("announce"), train_models.get_task("answered")
    assert announce.upstream_task_ids == {"passed", "answered"}
    assert answered.upstream_task_ids == {"consult.settle"}
    assert answered.trigger_rule == "all_done", "where nobody is asked, both tasks of the group are skipped"
    assert train_models.get_task("passed").trigger_rule == "all_done_min_one_success"
    assert "consult.settle" in train_models.get_task("fail_when_a_model_failed").upstream_task_ids


@pytest.mark.parametrize(
    ("gate", "approval", "mode"),
    [
        ("enforce", "auto", "enforce"),
        ("enforce", "ask", "ask"),
        ("dry_run", "auto", "dry_run"),
        ("dry_run", "ask", "dry_run"),
    ],
)
def test_the_form_says_how_challengers_are_judged(train_models, gate, approval, mode):
    promote = train_models.get_task("promote").python_callable
    command = promote(["next_item"], DAY, {"gate": gate, "approval": approval})
    assert command.endswith(f"--model next_item --ds {DAY} --mode {mode}")


def test_only_a_run_that_asks_shows_verdicts_that_wait(train_models, tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    line = {"model": "next_item", "version": "3", "ds": DAY}
    Verdicts(Settings.from_env().home.approvals).record(Verdict(line, ""))
    passed = train_models.get_task("passed").python_callable
    shown = [{"model": "next_item", "version": "3"}]
    assert passed(["next_item"], DAY, {"gate": "enforce", "approval": "ask"}) == shown
    assert passed(["next_item"], DAY, {"gate": "dry_run", "approval": "ask"}) == []
    assert passed(["next_item"], DAY, {"gate": "enforce", "approval": "auto"}) == []


def test_where_people_must_be_asked_no_form_gets_round_it(train_models, monkeypatch):
    assert train_models.params.get_param("approval").schema["enum"] == ["auto", "ask"]
    from shared.approval import approval_param, asked

    monkeypatch.setenv("NIGHTSHIFT_APPROVAL", "ask")
    monkeypatch.setenv("NIGHTSHIFT_APPROVERS", "3,4")
    param = approval_param()
    assert (param.value, param.schema["enum"]) == ("ask", ["ask"])
    assert [user["id"] for user in asked()["assigned_users"]] == ["3", "4"]
