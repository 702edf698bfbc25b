"""The task that makes the page of the night; in Airflow's graph a button of the task opens that page."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperatorLink
from airflow.sdk.exceptions import AirflowSkipException

from contracts.settings import Settings
from shared.commands import Command


class NightPageLink(BaseOperatorLink):
    """Where people open the page that a task has made."""

    name = "Page of the night"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002
        from airflow.sdk.execution_time.xcom import XCom  # of a worker, where a DAG is only read

        made = XCom.get_value(ti_key=ti_key, key="return_value")
        return page_address(made.rpartition("/")[2] if isinstance(made, str) else "")


class NightPage(Command):
    """Makes the page of a night; at the end of a DAG that hands its day on, only where that failed: the night ends."""

    operator_extra_links = (NightPageLink(),)

    def __init__(self, *, unless: str | None = None, **options: Any) -> None:
        """Take a command, and the id of the task that hands the day to the next DAG, where there is one."""
        super().__init__(**options)
        self.unless = unless

    def execute(self, context: Any) -> str:
        """Make it, or be skipped where the night goes on."""
        if self.unless and _state(context["ti"], self.unless) not in ("failed", "upstream_failed"):
            raise AirflowSkipException("the night goes on, and its page is made at its end")
        return super().execute(context)


def _state(ti: Any, task_id: str) -> str | None:
    """How another task of the same run has ended."""
    return ti.get_task_states(dag_id=ti.dag_id, task_ids=[task_id], run_ids=[ti.run_id])[ti.run_id].get(task_id)


def page_address(name: str = "") -> str:
    """The address of a page by the name of its file; of the newest one without a name."""
    return f"{Settings.from_env().night_page}/{name}"
