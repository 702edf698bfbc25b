"""
### Profiles to champions

Runs when `nightly_profiles` has published the asset `profiles`. Each model is trained on the queue and in the pool
`gpu`, one after the other where there is one worker, and registered as a challenger. Then the gate compares each
challenger with the champion in a fresh process, and promotes it if it has earned that: the rules are
`training/configs/gate.yml`, every decision with its numbers stands in the run's report and in the ledger.

With the approval `ask`, a challenger that passed the gate waits for a person: see *Required Actions*, where challenger
and champion stand side by side. The audiences wait too, until the answer or the end of the time for it; then the
champion stays.

A refusal is a normal outcome: the old champion stays, and `activate_audiences` runs with it. A model that has too
little data tonight is skipped. A model that fails makes this run fail, and does not keep the others from being promoted
nor the audiences from being made. With minutes to tune, better parameters are searched first.
"""

import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import Asset, Param, dag, task, task_group
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from shared.alerts import alert_on_failure, deadline
from shared.approval import APPROVE_COMMAND, Approval, approval_param, gate_mode
from shared.days import ASSET_DAY, DAY_PARAM
from shared.runs import DEFAULTS, MODELS, PYTHON

from contracts import assets
from contracts.settings import REPOSITORY, Settings
from contracts.verdicts import Verdicts

ON_GPU = {"queue": "gpu", "pool": "gpu", "cwd": str(REPOSITORY), "map_index_template": "{{ task.op_kwargs.model }}"}


@dag(
    schedule=[Asset(assets.PROFILES)],
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS | alert_on_failure(ASSET_DAY),
    deadline=deadline(waits_for_approval=True),
    params={
        "day": DAY_PARAM,
        "models": Param(MODELS, type="array", title="Models", items={"enum": MODELS}, examples=MODELS),
        "tune_minutes": Param(
            0, type="integer", minimum=0, title="Minutes to tune", description="Each model, before it is trained."
        ),
        "gate": Param("enforce", enum=["enforce", "dry_run"], title="Gate", description="dry_run moves no champion."),
        "approval": approval_param(),
    },
    tags=["nightshift", "tensorflow", "mlflow"],
    doc_md=__doc__,
)
def train_models():
    @task
    def choose_models(params: dict) -> list[str]:
        return params["models"]

    @task.bash(**ON_GPU)
    def tune(model: str, day: str, params: dict) -> str:
        if not params["tune_minutes"]:
            raise AirflowSkipException("no minutes to tune")
        return f"{PYTHON} -m training.tune --model {model} --ds {day} --minutes {params['tune_minutes']}"

    @task.bash(**ON_GPU, trigger_rule="none_failed")
    def train(model: str, day: str) -> str:
        return f"{PYTHON} -m training.train --model {model} --ds {day}"

    @task_group(prefix_group_id=False)
    def training(model: str):
        tune(model=model, day=ASSET_DAY) >> train(model=model, day=ASSET_DAY)

    @task(trigger_rule="all_done_min_one_success")
    def list_trained(models: list[str], *, ti) -> list[str]:
        last_lines = ti.xcom_pull(task_ids="train", map_indexes=list(range(len(models))))
        return [model for model, last_line in zip(models, last_lines, strict=True) if last_line is not None]

    @task.bash(cwd=str(REPOSITORY))
    def gate(models: list[str], day: str, params: dict) -> str:
        return f"{PYTHON} -m training.promote --model {' '.join(models)} --ds {day} --mode {gate_mode(params)}"

    @task(trigger_rule="all_done_min_one_success")
    def list_waiting(models: list[str], day: str, params: dict) -> list[dict[str, str]]:
        verdicts = Verdicts(Settings.from_env().home.approvals)
        return verdicts.waiting(models, day) if gate_mode(params) == "ask" else []

    @task_group(prefix_group_id=False)
    def approval(challenger: dict[str, str]):
        BashOperator(
            task_id="promote",
            bash_command=APPROVE_COMMAND,
            env=Approval(task_id="approve", challenger=challenger).output,
            append_env=True,
            cwd=str(REPOSITORY),
            map_index_template="{{ task.env.APPROVAL_MODEL }}",
        )

    @task(trigger_rule="all_done")
    def end_approvals() -> None:
        """Ends after every answer or where none was needed: behind a skip, `publish_champions` would be skipped too."""

    @task(outlets=[Asset(assets.CHAMPIONS)])
    def publish_champions(day: str, *, outlet_events) -> None:
        outlet_events[Asset(assets.CHAMPIONS)].extra = {"ds": day}

    @task(trigger_rule="one_failed", on_failure_callback=None)  # the task that failed has sent its alert
    def fail_when_a_model_failed() -> None:
        raise AirflowFailException("a model could not be trained or promoted: see its task")

    models = choose_models()
    trainings = training.expand(model=models)
    trained = list_trained(models)
    decisions = gate(trained, ASSET_DAY)
    waiting = list_waiting(trained, ASSET_DAY)
    approvals = approval.expand(challenger=waiting)
    trainings >> trained
    decisions >> waiting
    [waiting, approvals >> end_approvals()] >> publish_champions(ASSET_DAY)
    [trainings, decisions, approvals] >> fail_when_a_model_failed()


train_models()
