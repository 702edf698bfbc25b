"""Whether the audiences of a night may leave the house, where a person is asked; and where they go."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk import Param
from airflow.sdk.execution_time.hitl import HITLUser

from contracts.destinations import configured_destinations
from contracts.report import Report
from contracts.settings import APPROVALS, Settings
from shared.alerts import ApprovalAlert

GO, STAY = "go", "stay"


def delivery_approval_param() -> Param:
    """`auto` or `ask`, by default as the settings say; where they say `ask`, no form gets round it."""
    default = Settings.from_env().delivery_approval
    return Param(
        default,
        enum=list(APPROVALS[APPROVALS.index(default) :]),
        title="Approval",
        description="ask: the audiences wait for a person before they leave.",
    )


def destinations_of(answer: str) -> list[str]:
    """Names of all destinations, or none where the answer was no."""
    return list(configured_destinations(Settings.from_env())) if answer == GO else []


class DeliveryApproval(ApprovalOperator):
    """Waits until a person lets the audiences go, where that is asked for and there is a destination; `go` or `stay`.

    A rejection skips no task, as in `Approval`: it is an answer, and the list of destinations is empty behind it.
    """

    template_fields = (*ApprovalOperator.template_fields, "day", "mode")

    def __init__(self, *, day: Any, mode: str, **arguments: Any) -> None:
        """Take the day, the result of a task, and the template of `auto` or `ask`."""
        settings = Settings.from_env()
        super().__init__(
            subject="Shall the audiences be delivered?",
            defaults=self.REJECT,
            response_timeout=timedelta(hours=settings.approval_hours),
            assigned_users=[HITLUser(id=one, name=one) for one in settings.approvers],
            notifiers=ApprovalAlert(),
            **arguments,
        )
        self.day, self.mode = day, mode

    def execute(self, context: Any) -> Any:
        """Go on at once where nobody is to be asked; else show the page and wait."""
        settings = Settings.from_env()
        destinations = list(configured_destinations(settings))
        if self.mode != "ask" or not destinations:
            return GO
        self.subject = f"Shall the audiences of {self.day} be delivered to {', '.join(destinations)}?"
        self.body = page_of(Report(settings.home.reports, self.day))
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> str:
        """The answer; no where none came in time."""
        response = HITLOperator.execute_complete(self, context, event)
        return GO if response["chosen_options"] == [self.APPROVE] else STAY


def page_of(report: Report) -> str:
    """How many people each audience of a night has, as Markdown."""
    audiences = json.loads(report.file.read_text()).get("audiences", {}) if report.file.exists() else {}
    rows = [f"| {name} | {entry.get('exported', '-')} | {entry['status']} |" for name, entry in audiences.items()]
    return "\n".join(["| audience | people | status |", "|---|---|---|", *rows])
