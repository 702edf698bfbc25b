"""Promotion by a person: the page that an approver reads, who may answer, and the command that the answer becomes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk import Param
from airflow.sdk.execution_time.hitl import HITLUser

from contracts.settings import APPROVALS, Settings
from contracts.verdicts import Verdicts
from shared.alerts import ApprovalAlert
from shared.days import ASSET_DAY
from shared.runs import PYTHON

APPROVE_COMMAND = (
    f"set -u; {PYTHON} -m training.approve --ds {ASSET_DAY} "
    '--model "$APPROVAL_MODEL" --version "$APPROVAL_VERSION" --answer "$APPROVAL_ANSWER" --by "$APPROVAL_BY"'
)
"""Acts on an answer, which stands in its environment, so that no shell reads the name of who answered. It fails where
there is none: the task that waits was marked as done by hand."""


def approval_param() -> Param:
    """`auto` or `ask`, by default as the settings say; where they say `ask`, no form gets round it."""
    default = Settings.from_env().approval
    return Param(
        default,
        enum=list(APPROVALS[APPROVALS.index(default) :]),
        title="Approval",
        description="ask: a challenger that passed the gate waits for a person.",
    )


def gate_mode(params: Mapping[str, Any]) -> str:
    """The mode of `training.promote` that a form asks for."""
    return "ask" if (params["gate"], params["approval"]) == ("enforce", "ask") else params["gate"]


class Approval(ApprovalOperator):
    """Waits until a person approves or rejects one challenger; its result is the environment of `APPROVE_COMMAND`.

    A rejection skips no task, as the task behind acts on the answer, whichever it is. It has to: in a mapped task group
    Airflow 3.3.2 looks for what was skipped under another map index, finds nothing, and would run the task behind a
    rejection as if it were an approval.
    """

    template_fields = (*ApprovalOperator.template_fields, "challenger")

    def __init__(self, *, challenger: dict[str, str], **arguments: Any) -> None:
        """Take model and version of the challenger, an argument of a mapped task group: known when the task runs."""
        settings = Settings.from_env()
        super().__init__(
            subject="Shall a challenger become the champion?",
            defaults=self.REJECT,
            response_timeout=timedelta(hours=settings.approval_hours),
            assigned_users=[HITLUser(id=one, name=one) for one in settings.approvers],
            notifiers=ApprovalAlert(),
            map_index_template="{{ task.challenger.model }}",
            **arguments,
        )
        self.challenger = challenger

    def execute(self, context: Any) -> Any:
        """Show the page of the verdict and wait."""
        model, version = self.challenger["model"], self.challenger["version"]
        verdict = Verdicts(Settings.from_env().home.approvals).of(model)
        self.subject = f"Shall version {version} of {model} become the champion?"
        self.body = verdict.page if verdict else "This verdict does not wait any longer."
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> dict[str, str]:
        """The answer; no name where none came in time."""
        response = HITLOperator.execute_complete(self, context, event)
        [option] = response["chosen_options"]
        return {
            "APPROVAL_MODEL": self.challenger["model"],
            "APPROVAL_VERSION": self.challenger["version"],
            "APPROVAL_ANSWER": "approve" if option == self.APPROVE else "reject",
            "APPROVAL_BY": (response["responded_by_user"] or {"name": ""})["name"],
        }
