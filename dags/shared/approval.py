"""Promotion by a person: the page that an approver reads, who may answer, and the arguments that the answer becomes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk import Param
from airflow.sdk.execution_time.hitl import HITLUser

from contracts.settings import APPROVALS, Settings
from contracts.verdicts import Verdicts
from shared.alerts import ApprovalAlert

GATE_MODE = "{{ 'ask' if (params.gate, params.approval) == ('enforce', 'ask') else params.gate }}"
"""The mode of `training.promote` that a form asks for."""


def approval_param() -> Param:
    """`auto` or `ask`, by default as the settings say; where they say `ask`, no form gets round it."""
    default = Settings.from_env().approval
    return Param(
        default,
        enum=list(APPROVALS[APPROVALS.index(default) :]),
        title="Approval",
        description="ask: a challenger that passed the gate waits for a person.",
    )


class Approval(ApprovalOperator):
    """Waits until a person approves or rejects one challenger; its result are arguments of `training.approve`.

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

    def execute_complete(self, context: Any, event: dict[str, Any]) -> list[str]:
        """The answer; no name where none came in time."""
        response = HITLOperator.execute_complete(self, context, event)
        [option] = response["chosen_options"]
        answer = "approve" if option == self.APPROVE else "reject"
        name = (response["responded_by_user"] or {"name": ""})["name"]
        of = [text for key in ("model", "version", "ds") for text in (f"--{key}", self.challenger[key])]
        return [*of, "--answer", answer, f"--by={name}"]
