"""Trainings that a fallen champion has asked for, as runs of `train_models` with minutes to tune."""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import XComArg, task

from contracts.retrainings import Retrainings
from contracts.settings import Settings


def retrain_fallen(day: XComArg) -> XComArg:
    """Tasks that start the trainings which watching has asked for; returns the first."""

    @task(trigger_rule="all_done")  # what was asked for on this day is there, however watching went on
    def list_fallen(day: str, *, dag_run) -> list[dict]:
        return runs_of_fallen(day, dag_run.run_id)

    fallen = list_fallen(day)
    TriggerDagRunOperator.partial(
        task_id="retrain", trigger_dag_id="train_models", logical_date=None, skip_when_already_exists=True
    ).expand_kwargs(fallen)
    return fallen


def runs_of_fallen(day: str, run: str) -> list[dict[str, Any]]:
    """A run for each model that a day asks for, as arguments of TriggerDagRunOperator."""
    settings = Settings.from_env()
    if settings.retrain_minutes == 0:
        return []
    models = Retrainings(settings.home.retrainings).take(day, run)
    return [
        {
            "conf": {"day": day, "models": [model], "tune_minutes": settings.retrain_minutes},
            "trigger_run_id": f"retrain__{model}__{day}",
        }
        for model in models
    ]
