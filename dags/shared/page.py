"""The task that makes the page of the night; in Airflow's graph a button of the task opens that page."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperatorLink

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
    """Makes the page of a night."""

    operator_extra_links = (NightPageLink(),)


def page_address(name: str = "") -> str:
    """The address of a page by the name of its file; of the newest one without a name."""
    return f"{Settings.from_env().night_page}/{name}"
