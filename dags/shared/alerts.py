"""Alerts, sent by the connection `nightshift_alerts`, whose address says how: e-mail, Slack, a webhook ...

Without that connection nothing is sent, and one line in the log says so. An alert that cannot be sent breaks nothing.
"""

from __future__ import annotations

import datetime
import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow.sdk import BaseNotifier, DeadlineAlert, DeadlineReference, SyncCallback
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowNotFoundException
from jinja2 import Template

from contracts.errors import ERROR_MARK
from contracts.report import Report
from contracts.settings import Settings
from shared.page import page_address

CONNECTION = "nightshift_alerts"
LOG_WAIT_SECONDS = 3
"""A task's last words may reach its log a moment after the task has failed."""


CHOSEN_DAY = "{{ params.day or 'chosen' }}"
"""The day of a run whose task `choose_day` has chosen it, where no form named it."""


class _OfADay(BaseNotifier):
    """One that knows the day that a run is for."""

    template_fields = ("day",)

    def __init__(self, day: str) -> None:
        """Take the template of that day."""
        super().__init__()
        self.day = day

    def day_of(self, ti: Any) -> str:
        """The day, where no form named it the one that the run has chosen."""
        return chosen_day(ti) if self.day == "chosen" else self.day


class FailureAlert(_OfADay):
    """Reports a task that has failed for good: its day, the sentence of its error, and where its log is.

    The sentence stands in the night's report, too, for its page.
    """

    def notify(self, context: Mapping[str, Any]) -> None:
        ti = context["ti"]
        day = self.day_of(ti)
        said = sentence(ti, context.get("exception"))
        _write_down(day, ti, said)
        lines = [said, f"day: {day}", f"run: {ti.run_id}"]
        if log_url := getattr(ti, "log_url", None):
            lines.append(f"log: {log_url}")
        lines.append(f"page of the night: {page_address()}")
        send(f"nightshift: {_name(ti)} failed", "\n".join(lines), kind="failure")


class FailureOver(_OfADay):
    """Takes a failure out of the night's report where the task has succeeded since, as it was started again."""

    def notify(self, context: Mapping[str, Any]) -> None:
        ti = context["ti"]
        reports = Settings.from_env().home.reports
        if any(reports.glob(f"*/{_step(ti)}.json")):
            Report(reports, self.day_of(ti)).forget(_step(ti))


def _name(ti: Any) -> str:
    """DAG and task, and which of a mapped task: the source, model or destination."""
    if ti.map_index is None or ti.map_index < 0:
        return f"{ti.dag_id}.{ti.task_id}"
    return f"{ti.dag_id}.{ti.task_id} [{getattr(ti, 'rendered_map_index', None) or ti.map_index}]"


def _step(ti: Any) -> str:
    """The fragment of the report in which a failure stands."""
    return f"failed-{ti.dag_id}.{ti.task_id}.{ti.map_index}"


def _write_down(day: str, ti: Any, said: str) -> None:
    """Put why a task failed into the report of the night, for its page."""
    try:
        datetime.date.fromisoformat(day)
        Report(Settings.from_env().home.reports, day).write(_step(ti), {"failures": {_name(ti): said}})
    except (ValueError, OSError) as error:  # no day was chosen, or the disk is full
        logging.getLogger(__name__).warning("the failure is not in the report: %s", error)


class ApprovalAlert(BaseNotifier):
    """Reports that a challenger, or the audiences of a night, wait for an approver, and where."""

    def notify(self, context: Mapping[str, Any]) -> None:
        address = context["task"].generate_link_to_ui_from_context(context=context)
        send("nightshift: an answer is waited for", f"{context['task'].subject}\nanswer: {address}", kind="info")


class WatchAlert(_OfADay):
    """Reports what watching has found, where a night has an alarm that the night before had not."""

    def notify(self, context: Mapping[str, Any]) -> None:
        ti = context["ti"]
        day = self.day_of(ti)
        alarms = alarms_of(day)
        new = [alarm for alarm in alarms if alarm["since"] == day]
        if not new:
            return
        lines = [f"{one['alarm']}: {one['says']}\n  look: {one['look']}" for one in [*new, *_going_on(alarms, day)]]
        lines += [f"day: {day}", f"run: {ti.run_id}", f"page of the night: {page_address()}"]
        of = f"{len(new)} new alarm{'' if len(new) == 1 else 's'} of the night"
        send(f"nightshift: {of}", "\n".join(lines), kind="warning")


def alarms_of(day: str) -> list[dict[str, Any]]:
    """What watching has written down of a day: `alarm`, `since`, `says`, `look`; none where it has not run."""
    file = Settings.from_env().home.reports / day / "watch.json"
    return json.loads(file.read_text())["alarms"] if file.is_file() else []


def _going_on(alarms: list[dict[str, Any]], day: str) -> list[dict[str, Any]]:
    return [alarm for alarm in alarms if alarm["since"] != day]


def chosen_day(ti: Any) -> str:
    """What the task `choose_day` of a run has chosen."""
    try:
        return ti.xcom_pull(task_ids="choose_day") or "none was chosen"
    except Exception as error:  # an alert without its day is better than none
        logging.getLogger(__name__).warning("the day of the run is not known: %s", error)
        return "unknown"


def alert_on_failure(day: str) -> dict[str, Any]:
    """What `default_args` need so that every task that fails for good sends an alert, and stands in the report.

    Args:
        day: the template of the day that a run is for.
    """
    return {"on_failure_callback": FailureAlert(day), "on_success_callback": FailureOver(day)}


def deadline(*, waits_for_approval: bool = False) -> DeadlineAlert | None:
    """The alert on a run that has not ended in time; with `waits_for_approval`, the approver's time is added.

    None where the settings give a run any time: `airflow dags test` of Airflow 3.3.2 fails at the end of a DAG that has
    a deadline, as there is no scheduler that has stored it.
    """
    settings = Settings.from_env()
    if settings.deadline_hours == 0:
        return None
    hours = settings.deadline_hours + (
        settings.approval_hours if waits_for_approval and settings.approval == "ask" else 0
    )
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=datetime.timedelta(hours=hours),
        callback=SyncCallback(deadline_missed, kwargs={"hours": hours}),
    )


def deadline_missed(hours: int, context: Mapping[str, Any]) -> None:
    """Report that a run has not ended within so many hours; Airflow calls this on a worker."""
    run = context["dag_run"]
    day = (run.get("conf") or {}).get("day") or f"the run of {run['run_after']}"
    lines = [f"not ended {hours} hours after it was queued", f"day: {day}", f"run: {run['dag_run_id']}"]
    lines.append(f"page of the night: {page_address()}")
    send(f"nightshift: {run['dag_id']} is late", "\n".join(lines), kind="warning")


def send(title: str, body: str, *, kind: str) -> None:
    """Send an alert, if there is a connection for it; `kind` is info, warning or failure."""
    log = logging.getLogger(__name__)
    from airflow.providers.apprise.hooks.apprise import AppriseHook  # takes its time to import

    try:
        AppriseHook(CONNECTION).notify(title=title, body=body, notify_type=kind)
    except AirflowNotFoundException:
        log.info("no alert was sent: there is no connection %s", CONNECTION)
    except Exception as error:  # an alert that fails must not stop the night
        log.warning("no alert was sent: %s", error)


def sentence(ti: Any, exception: BaseException | str | None) -> str:
    """The sentence with which a command of ours ended, as its log has it, or what Airflow says of the failure."""
    file, until = _log_file(ti), time.monotonic() + LOG_WAIT_SECONDS
    while file.is_file():
        lines = [line for line in file.read_text(errors="replace").splitlines() if ERROR_MARK in line]
        events = [json.loads(line)["event"] for line in lines]  # of which some only quote the sentence, in an exception
        if sentences := [event for event in events if event.startswith(ERROR_MARK)]:
            return sentences[-1].removeprefix(ERROR_MARK)
        if time.monotonic() > until:
            break
        time.sleep(0.2)
    return str(exception).partition("\n")[0] if exception else "no word from the task"


def _log_file(ti: Any) -> Path:
    """Where this machine keeps the log of a task that runs on it."""
    name = Template(conf.get("logging", "log_filename_template")).render(ti=ti, try_number=ti.try_number)
    return Path(conf.get("logging", "base_log_folder")) / name
