"""
### Profiles to champions

Runs when `nightly_profiles` has published the asset `profiles`. Each model is trained on the queue and in the pool
`gpu`, one after the other where there is one worker, registered as a challenger, and promoted if it has earned it: the
gate is `training/configs/gate.yml`, every verdict with its numbers stands in the run's report and in the ledger.

A refusal is a normal outcome: the old champion stays, and `activate_audiences` runs with it.
"""

import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import Asset, Param, dag, task
from shared.days import ASSET_DAY, DAY_PARAM
from shared.runs import DEFAULTS, PYTHON

from contracts import assets
from contracts.settings import REPOSITORY


@dag(
    schedule=[Asset(assets.PROFILES)],
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    params={
        "day": DAY_PARAM,
        "models": Param(["next_item"], type="array", title="Models", examples=["next_item"]),
        "gate": Param("enforce", enum=["enforce", "dry_run"], title="Gate", description="dry_run moves no champion."),
    },
    tags=["nightshift", "tensorflow", "mlflow"],
    doc_md=__doc__,
)
def train_models():
    @task
    def commands(module: str, day: str, options: str, params: dict) -> list[str]:
        return [f"{PYTHON} -m {module} --model {model} --ds {day} {options}" for model in params["models"]]

    @task(outlets=[Asset(assets.CHAMPIONS)])
    def announce(day: str, *, outlet_events) -> None:
        outlet_events[Asset(assets.CHAMPIONS)].extra = {"ds": day}

    train = BashOperator.partial(
        task_id="train",
        cwd=str(REPOSITORY),
        queue="gpu",
        pool="gpu",
        map_index_template="{{ task.bash_command.split()[4] }}",
    ).expand(bash_command=commands.override(task_id="train_commands")("training.train", ASSET_DAY, ""))
    promote = BashOperator.partial(
        task_id="promote", cwd=str(REPOSITORY), map_index_template="{{ task.bash_command.split()[4] }}"
    ).expand(
        bash_command=commands.override(task_id="promote_commands")(
            "training.promote", ASSET_DAY, "--mode {{ params.gate }}"
        )
    )
    train >> promote >> announce(ASSET_DAY)


train_models()
