"""What an approver is shown, and the command that each answer becomes."""

from __future__ import annotations

import datetime
from types import SimpleNamespace

import pytest
from airflow.providers.standard.operators import hitl
from airflow.sdk.exceptions import AirflowException

from contracts.settings import Settings
from contracts.verdicts import Verdict, Verdicts

DAY = "2026-11-19"
ADA = {"id": "3", "name": "ada"}
CHALLENGER = {"model": "next_item", "version": "3", "ds": DAY}


@pytest.fixture
def train_models(dags):
    return dags["train_models"]


@pytest.fixture
def waiting(tmp_path, monkeypatch):
    """A home in which version 3 of next_item waits."""
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    Verdicts(Settings.from_env().home.approvals).record(Verdict(CHALLENGER, "### Metrics {{ as they are }}"))
    return tmp_path


def rendered(dag, task_id: str):
    """A task of the group of approvals as a worker has it, once its template fields were rendered."""
    task = dag.get_task(task_id).prepare_for_execution()
    object.__setattr__(task, "challenger", CHALLENGER)
    return task


def answer_of(task, option: str, user: dict | None) -> list[str]:
    now = datetime.datetime.now(datetime.UTC)
    event = {"chosen_options": [option], "params_input": {}, "responded_at": now, "responded_by_user": user}
    return task.execute_complete({}, event)


@pytest.mark.usefixtures("waiting")
def test_the_approver_is_asked_and_silence_is_a_rejection(train_models, monkeypatch):
    approve = rendered(train_models, "approve")
    assert approve.options == ["Approve", "Reject"]
    assert approve.defaults == ["Reject"]
    assert approve.response_timeout == datetime.timedelta(hours=6)
    shown = {}
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **detail: shown.update(detail))
    object.__setattr__(approve, "notifiers", [])
    with pytest.raises(hitl.TaskAwaitingInput):
        approve.execute({"task_instance": type("TaskInstance", (), {"id": "7"})})
    assert shown["subject"] == "Shall version 3 of next_item become the champion?"
    assert shown["body"] == "### Metrics {{ as they are }}"


@pytest.mark.parametrize(
    ("option", "user", "answer", "name"),
    [("Approve", ADA, "approve", "ada"), ("Reject", ADA, "reject", "ada"), ("Reject", None, "reject", "")],
    ids=["approved", "rejected", "no answer in time"],
)
def test_an_answer_becomes_a_command(train_models, option, user, answer, name):
    found = answer_of(rendered(train_models, "approve"), option, user)
    assert found == [
        *("--model", "next_item", "--version", "3", "--ds", "2026-11-19"),
        *("--answer", answer, f"--by={name}"),
    ]
    module, arguments = train_models.get_task("promote").arguments
    assert (module, arguments.operator.task_id) == ("training.approve", "approve")


def test_a_task_marked_as_done_is_no_answer(train_models):
    promote = train_models.get_task("promote").prepare_for_execution()
    object.__setattr__(promote, "arguments", ["training.approve", None])
    with pytest.raises(AirflowException, match="received None"):
        promote.execute({})


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_no_answer_skips_a_task(train_models, option):
    def skip(*_, **__):
        raise AssertionError("a skip is looked up under another map index")

    approve = rendered(train_models, "approve")
    object.__setattr__(approve, "skip", skip)
    assert answer_of(approve, option, ADA)[-1] == "--by=ada"


def test_promotion_waits_for_the_answer_and_the_audiences_for_both(train_models):
    assert train_models.get_task("promote").upstream_task_ids == {"approve"}
    assert train_models.get_task("approve").upstream_task_ids == {"list_waiting"}
    publish, end = train_models.get_task("publish_champions"), train_models.get_task("end_approvals")
    assert publish.upstream_task_ids == {"choose_day", "list_waiting", "end_approvals"}
    assert end.upstream_task_ids == {"promote"}
    assert end.trigger_rule == "all_done", "where nothing waits, both tasks of the group are skipped"
    assert train_models.get_task("list_waiting").trigger_rule == "all_done_min_one_success"
    assert "promote" in train_models.get_task("fail_when_a_model_failed").upstream_task_ids


@pytest.mark.parametrize(
    ("gate", "approval", "mode"),
    [
        ("enforce", "auto", "enforce"),
        ("enforce", "ask", "ask"),
        ("dry_run", "auto", "dry_run"),
        ("dry_run", "ask", "dry_run"),
    ],
)
def test_the_form_chooses_the_mode_of_the_gate(train_models, gate, approval, mode):
    from airflow.sdk.definitions._internal.templater import SandboxedEnvironment

    arguments = train_models.get_task("gate").arguments
    form = SimpleNamespace(gate=gate, approval=approval)
    assert arguments[-2] == "--mode"
    assert SandboxedEnvironment().from_string(arguments[-1]).render(params=form) == mode
    assert train_models.get_task("list_waiting").op_args[-1] == arguments[-1]


@pytest.mark.usefixtures("waiting")
def test_only_a_run_that_asks_lists_verdicts_that_wait(train_models):
    list_waiting = train_models.get_task("list_waiting").python_callable
    assert list_waiting(["next_item"], DAY, "ask") == [CHALLENGER]
    assert list_waiting(["next_item"], DAY, "dry_run") == []
    assert list_waiting(["next_item"], DAY, "enforce") == []


def test_where_people_must_be_asked_no_form_gets_round_it(train_models, monkeypatch):
    assert train_models.params.get_param("approval").schema["enum"] == ["auto", "ask"]
    from shared.approval import Approval, approval_param

    monkeypatch.setenv("NIGHTSHIFT_APPROVAL", "ask")
    monkeypatch.setenv("NIGHTSHIFT_APPROVERS", "3,4")
    param = approval_param()
    assert (param.value, param.schema["enum"]) == ("ask", ["ask"])
    assert [user["id"] for user in Approval(task_id="one", challenger=CHALLENGER).assigned_users] == ["3", "4"]


def test_the_dag_is_the_same_whenever_it_is_parsed(train_models):
    """Airflow makes a new version of a DAG whose serialised form changes, an address in memory for example."""
    import json

    from airflow.serialization.serialized_objects import DagSerialization

    assert " at 0x" not in json.dumps(DagSerialization.to_dict(train_models), default=str)
