"""
### Champions to audiences

Runs when `train_models` has published the asset `champions`. The champion scores every person who agreed to
personalisation, and each campaign in `activation/campaigns/` becomes an audience file: who to show what, and why.
Nobody is in a file without the consent that its campaign needs, and for each audience
scored = exported + suppressed + failed.

A run is for one day. Where more days were published than runs were started for, as events come while a run is at work,
it starts a run for each of them.
"""

import datetime

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Asset, dag, task
from shared.alerts import CHOSEN_DAY, alert_on_failure, deadline
from shared.commands import Command
from shared.days import DAY_PARAM, publish_day, runs_of_waiting_days, take_day
from shared.runs import DEFAULTS

from contracts import assets


@dag(
    schedule=[Asset(assets.CHAMPIONS)],
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS | alert_on_failure(CHOSEN_DAY),
    deadline=deadline(),
    params={"day": DAY_PARAM},
    tags=["nightshift", "marketing"],
    doc_md=__doc__,
)
def activate_audiences():
    @task.short_circuit
    def choose_day(params: dict, dag_run, *, triggering_asset_events) -> str | None:
        return take_day(assets.CHAMPIONS, params["day"], dag_run, triggering_asset_events)

    @task
    def list_other_days(day: str, params: dict) -> list[dict]:  # noqa: ARG001  after the day of this run was taken
        return runs_of_waiting_days(assets.CHAMPIONS, params["day"])

    @task(outlets=[Asset(assets.AUDIENCES)])
    def publish_audiences(day: str, *, outlet_events) -> None:
        publish_day(assets.AUDIENCES, day, outlet_events)

    day = choose_day()
    score = Command(task_id="score", arguments=["serving.score", "--ds", day])
    activate = Command(task_id="activate", arguments=["activation.export", "--ds", day])
    score >> activate >> publish_audiences(day)
    TriggerDagRunOperator.partial(
        task_id="start_other_days",
        trigger_dag_id="activate_audiences",
        logical_date=None,
        skip_when_already_exists=True,
    ).expand_kwargs(list_other_days(day))


activate_audiences()
