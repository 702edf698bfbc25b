"""Promotion by a person: what an approver is asked, who may answer, and the commands that an answer becomes.

A mapped group cannot write its argument into the middle of a text, so texts look up their own verdict by map index.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param
from airflow.sdk.execution_time.hitl import HITLUser

from contracts.settings import APPROVALS, REPOSITORY, Settings
from contracts.verdicts import Verdicts
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


def page_of(model: str) -> str:
    """The page of the verdict on a model that waits, as Markdown; the macro `page_of` of train_models."""
    verdict = Verdicts(Settings.from_env().approvals).of(model)
    return verdict.page if verdict else "This verdict does not wait any longer."


_VERDICT = "ti.xcom_pull(task_ids='passed')[ti.map_index]"
_ANSWER = "(ti.xcom_pull(task_ids='consult.approve', map_indexes=ti.map_index) or {})"
_MODEL = f"{{{{ {_VERDICT}.model }}}}"
_VERSION = f"{{{{ {_VERDICT}.version }}}}"


def asked() -> dict[str, Any]:
    """Arguments of the ApprovalOperator."""
    settings = Settings.from_env()
    return {
        "subject": f"Shall version {_VERSION} of {_MODEL} become the champion?",
        "body": f"{{{{ page_of({_VERDICT}.model) }}}}",
        "defaults": "Reject",
        "response_timeout": timedelta(hours=settings.approval_hours),
        "assigned_users": [HITLUser(id=one, name=one) for one in settings.approvers],
        "map_index_template": _MODEL,
    }


CONSULTED: dict[str, Any] = {
    "env": {"ANSWERED_BY": f"{{{{ ({_ANSWER}.responded_by_user or {{}}).name or '' }}}}"},  # no shell reads the name
    "append_env": True,
    "cwd": str(REPOSITORY),
    "map_index_template": _MODEL,
}
"""Arguments of the tasks that follow an answer."""

_SETTLE = f"{PYTHON} -m training.promote --model {_MODEL} --version {_VERSION} --ds {ASSET_DAY}"
APPROVE = f'{_SETTLE} --mode approve --by "$ANSWERED_BY"'
TURN_DOWN = f'{_SETTLE} --mode reject --by "$ANSWERED_BY"'
