"""Which day a run is for: what its form says; else what waits, or the schedule says; else yesterday."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Asset, Param, XComArg, task
from airflow.sdk.exceptions import AirflowFailException

from contracts.published_days import PublishedDays
from contracts.settings import Settings

log = logging.getLogger(__name__)

SCHEDULED_DAY = (
    "{{ params.day or ((data_interval_start | ds) if data_interval_start else macros.ds_add(run_after | ds, -1)) }}"
)

DAY_PARAM = Param(
    default=None,
    type=["null", "string"],
    format="date",
    title="Day",
    description="The day to run for. Empty: the oldest published day that no run has taken yet, or yesterday.",
)

SCHEDULED_DAY_PARAM = Param(
    default=None,
    type=["null", "string"],
    format="date",
    title="Day",
    description="The day to run for. Empty: the day that the schedule says, or yesterday.",
)

_OF_ITS_OWN = "published__"
"""Begins the id of a run that was started for one published day."""


def publish_day(asset: str, day: str, outlet_events: Mapping[Any, Any]) -> None:
    """Let a day of an asset wait for the DAG behind it, and wake that DAG."""
    PublishedDays.of(Settings.from_env().home, asset).publish(day)
    outlet_events[Asset(asset)].extra = {"ds": day}


def choose_day(asset: str) -> XComArg:
    """The first task of the DAG behind an asset: the day that the run is for; without one the run ends."""

    @task.short_circuit(task_id="choose_day")
    def choose(params: dict, dag_run, *, triggering_asset_events) -> str | None:
        return take_day(asset, params["day"], dag_run, triggering_asset_events)

    return choose()


def start_other_days(asset: str, day: XComArg, dag_id: str) -> None:
    """Tasks that start a run of the DAG for each day that still waits once the day of this run was taken."""

    @task
    def list_other_days(day: str, params: dict) -> list[dict]:  # noqa: ARG001  after the day of this run was taken
        return runs_of_waiting_days(asset, params["day"])

    TriggerDagRunOperator.partial(
        task_id="start_other_days",
        trigger_dag_id=dag_id,
        logical_date=None,
        skip_when_already_exists=True,
    ).expand_kwargs(list_other_days(day))


def take_day(asset: str, form: str | None, dag_run: Any, events: Mapping[Any, Iterable[Any]]) -> str | None:
    """The day that a run of the DAG behind an asset is for; None where it has nothing to do.

    A form's day is always run. A run that an event has started takes the oldest day that waits, whichever day its event
    was about: events that come while a run is at work may be merged or dropped. An event made by hand may name a day.

    Raises:
        AirflowFailException: an event made by hand names something that is no day, and no day waits.
    """
    days, run = PublishedDays.of(Settings.from_env().home, asset), dag_run.run_id
    if form:
        another_took_it = form not in days.waiting() and days.run_that_took(form) != run
        return None if run.startswith(_OF_ITS_OWN) and another_took_it else days.take(run, form)
    refused = [problem for event in _by_hand(events) if (problem := _publish_named_day(days, event))]
    day = days.take(run)
    if day is None and refused:
        raise AirflowFailException(refused[0])
    for problem in refused:
        log.warning("%s", problem)
    if day is None and not any(True for some in events.values() for _ in some):
        day = (dag_run.run_after - datetime.timedelta(days=1)).date().isoformat()
    return day


def runs_of_waiting_days(asset: str, form: str | None) -> list[dict[str, Any]]:
    """A run for each day that still waits, as arguments of TriggerDagRunOperator; none where a form named the day."""
    days = PublishedDays.of(Settings.from_env().home, asset)
    waiting = [] if form else days.waiting()
    return [{"conf": {"day": day}, "trigger_run_id": _run_of(days, day)} for day in waiting]


def _run_of(days: PublishedDays, day: str) -> str:
    return f"{_OF_ITS_OWN}{day}__{days.publication(day)}"


def _by_hand(events: Mapping[Any, Iterable[Any]]) -> list[Any]:
    """Events that no task of a DAG has made."""
    return [event for some in events.values() for event in some if event.source_dag_id is None]


def _publish_named_day(days: PublishedDays, event: Any) -> str:
    """Let the day that an event names wait; returns what is wrong with it, empty where nothing is."""
    named = (event.extra or {}).get("ds")
    try:
        day = datetime.date.fromisoformat(named).isoformat()
    except (TypeError, ValueError):
        return (
            f"expected a day as YYYY-MM-DD in `ds` of an asset event, but received {named!r}; make the event again "
            "with one, or start the DAG by its form"
        )
    days.publish(day, at=event.timestamp)
    return ""
