"""Promotion by a person on the stack: the gate's verdict waits, an operator cannot answer it, an approver can."""

import json

from tests.compose.conftest import DS
from tests.compose.running import wait_until


def test_an_operator_triggers_and_an_approver_decides(stack, night):  # noqa: ARG001
    champion = "/registered-models/alias?name=next_item&alias=champion"
    before = stack.mlflow("viewer", champion)["model_version"]["version"]
    conf = {"day": DS, "approval": "ask", "models": ["next_item"]}
    body = {"logical_date": None, "conf": conf}
    status, run = stack.airflow("operator", "/dags/train_models/dagRuns", method="POST", body=body)
    assert status == 200, run
    task = f"/dags/train_models/dagRuns/{run['dag_run_id']}/taskInstances/approve/0/hitlDetails"

    def page_of_approval():
        status, found = stack.airflow("viewer", task)
        return found if status == 200 else None

    question = wait_until(page_of_approval, seconds=900, what="a challenger to wait for approval")
    assert "next_item" in question["subject"]
    assert "ndcg@10" in question["body"]
    answer = {"chosen_options": ["Reject"], "params_input": {}}
    for account in ("operator", "viewer"):
        assert stack.airflow(account, task, method="PATCH", body=answer)[0] == 403
    status, reply = stack.airflow("approver", task, method="PATCH", body=answer)
    assert status == 200, reply
    ended = wait_until(lambda: _ended(stack, run["dag_run_id"]), seconds=300, what="the answer to be acted on")
    assert ended == "success"
    assert stack.mlflow("viewer", champion)["model_version"]["version"] == before
    last = json.loads(stack.inside("worker", "tail", "-n", "1", "/srv/nightshift/ledger.jsonl"))
    assert (last["decision"], last["by"]) == ("rejected", "approver")


def _ended(stack, run):
    state = stack.airflow("operator", f"/dags/train_models/dagRuns/{run}")[1]["state"]
    return state if state in ("success", "failed") else None
