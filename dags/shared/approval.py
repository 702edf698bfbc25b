"""Promotion by a person: what an approver is asked, who may answer, and the commands that an answer becomes.

A mapped group cannot write its argument into the middle of a text, so texts look up their own verdict by map index.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk import Param
from airflow.sdk.execution_time.hitl import HITLUser

from contracts.settings import APPROVALS, REPOSITORY, Settings
from contracts.verdicts import Verdicts
from shared.alerts import ApprovalAlert
from shared.days import ASSET_DAY
from shared.runs import PYTHON


def approval_param() -> Param:
    """`auto` or `ask`, by default as the settings say; where they say `ask`, no form gets round it."""
    default = Settings.from_env().approval
    return Param(
        default,
        enum=list(APPROVALS[APPROVALS.index(default) :]),
        title="Approval",
        description="ask: a challenger that passed the gate waits for a person.",
    )


def judging(params: Mapping[str, Any]) -> str:
    """The mode of `training.promote` that a form asks for."""
    return "ask" if (params["gate"], params["approval"]) == ("enforce", "ask") else params["gate"]


def page_of(model: str) -> str:
    """The page of the verdict on a model that waits, as Markdown; the macro `page_of` of train_models."""
    verdict = Verdicts(Settings.from_env().home.approvals).of(model)
    return verdict.page if verdict else "This verdict does not wait any longer."


class Approval(ApprovalOperator):
    """An ApprovalOperator whose rejection skips nothing: the task behind it acts on the answer, whichever it is.

    It has to: in a mapped task group Airflow 3.3.2 looks for what was skipped under another map index, finds nothing,
    and would run the task behind a rejection as if it were an approval.
    """

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        return HITLOperator.execute_complete(self, context, event)


_VERDICT = "ti.xcom_pull(task_ids='passed')[ti.map_index]"
_ANSWER = "ti.xcom_pull(task_ids='consult.approve', map_indexes=ti.map_index)"
_MODEL = f"{{{{ {_VERDICT}.model }}}}"
_VERSION = f"{{{{ {_VERDICT}.version }}}}"
_MODE = f"{{{{ {{'Approve': 'approve', 'Reject': 'reject'}}[{_ANSWER}.chosen_options[0]] }}}}"


def asked() -> dict[str, Any]:
    """Arguments of the task that waits for an answer."""
    settings = Settings.from_env()
    return {
        "subject": f"Shall version {_VERSION} of {_MODEL} become the champion?",
        "body": f"{{{{ page_of({_VERDICT}.model) }}}}",
        "defaults": Approval.REJECT,
        "response_timeout": timedelta(hours=settings.approval_hours),
        "assigned_users": [HITLUser(id=one, name=one) for one in settings.approvers],
        "notifiers": ApprovalAlert(),
        "map_index_template": _MODEL,
    }


ANSWERED: dict[str, Any] = {
    "bash_command": (
        f"{PYTHON} -m training.promote --model {_MODEL} --version {_VERSION} --ds {ASSET_DAY} --mode {_MODE} "
        '--by "$ANSWERED_BY"'
    ),
    "env": {
        "ANSWERED_BY": f"{{{{ ({_ANSWER}.responded_by_user or {{'name': ''}}).name }}}}"
    },  # no shell reads the name
    "append_env": True,
    "cwd": str(REPOSITORY),
    "map_index_template": _MODEL,
}
"""Arguments of the task that acts on the answer; one that nobody gave, by a task marked as done, fails it."""
