"""
### Profiles to champions

Runs when `nightly_profiles` has published the asset `profiles`. Each model is trained on the queue and in the pool
`gpu`, one after the other where there is one worker, and registered as a challenger. Then the gate compares each
challenger with the champion in a fresh process, and promotes it if it has earned that: the rules are
`training/configs/gate.yml`, every decision with its numbers stands in the run's report and in the ledger. What was
promoted has not seen the last days: it is trained again on everything, and that is served.

With the approval `ask`, a challenger that passed the gate waits for a person: see *Required Actions*, where challenger
and champion stand side by side. The audiences wait too, until the answer or the end of the time for it; then the
champion stays.

A refusal is a normal outcome: the old champion stays, and `activate_audiences` runs with it. A model that has too
little data tonight is skipped. A model that fails makes this run fail, and does not keep the others from being promoted
nor the audiences from being made. With minutes to tune, better parameters are searched first. Where the night ends
here, as no model could be trained or the gate failed, the page of the night says so, and why.

A run is for one day. Where more days were published than runs were started for, as events come while a run is at work,
it starts a run for each of them.
"""

import datetime

from airflow.sdk import Asset, Param, dag, task, task_group
from airflow.sdk.exceptions import AirflowFailException
from shared.alerts import CHOSEN_DAY, alert_on_failure, deadline
from shared.approval import GATE_MODE, Approval, approval_param
from shared.commands import Command
from shared.days import DAY_PARAM, choose_day, publish_day, start_other_days
from shared.page import NightPage
from shared.runs import DEFAULTS, MODELS

from contracts import assets
from contracts.settings import Settings
from contracts.verdicts import Verdicts

ON_GPU = {"queue": "gpu", "pool": "gpu"}
A_MODEL = {"map_index_template": "{{ task.arguments[2] }}"}


@dag(
    schedule=[Asset(assets.PROFILES)],
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS | alert_on_failure(CHOSEN_DAY),
    deadline=deadline(waits_for_approval=True),
    params={
        "day": DAY_PARAM,
        "models": Param(MODELS, type="array", title="Models", items={"enum": MODELS}, examples=MODELS),
        "tune_minutes": Param(
            0, type="integer", minimum=0, title="Minutes to tune", description="Each model, before it is trained."
        ),
        "gate": Param(
            "enforce",
            enum=["enforce", "dry_run", "shadow"],
            title="Gate",
            description="dry_run and shadow move no champion; in shadow, what passed scores without being shown.",
        ),
        "approval": approval_param(),
    },
    tags=["nightshift", "tensorflow", "mlflow"],
    doc_md=__doc__,
)
def train_models():
    @task
    def choose_models(params: dict) -> list[str]:
        return params["models"]

    @task_group(prefix_group_id=False)
    def training(model: str, day: str):
        tune = Command(
            task_id="tune",
            arguments=["training.tune", "--model", model, "--ds", day, "--minutes", "{{ params.tune_minutes }}"],
            skip_if="{{ params.tune_minutes == 0 }}",
            **ON_GPU,
            **A_MODEL,
        )
        train = Command(
            task_id="train",
            arguments=["training.train", "--model", model, "--ds", day],
            trigger_rule="none_failed",
            **ON_GPU,
            **A_MODEL,
        )
        tune >> train

    @task(trigger_rule="all_done_min_one_success")
    def list_trained(models: list[str], *, ti) -> list[str]:
        last_lines = ti.xcom_pull(task_ids="train", map_indexes=list(range(len(models))))
        return [model for model, last_line in zip(models, last_lines, strict=True) if last_line is not None]

    @task(trigger_rule="all_done_min_one_success")
    def list_waiting(models: list[str], day: str, mode: str) -> list[dict[str, str]]:
        return Verdicts(Settings.from_env().home.approvals).waiting(models, day) if mode == "ask" else []

    @task_group(prefix_group_id=False)
    def approval(challenger: dict[str, str]):
        answer = Approval(task_id="approve", challenger=challenger).output
        Command(
            task_id="promote",
            arguments=["training.approve", answer],
            map_index_template="{{ task.arguments[1][1] }}",
            **ON_GPU,
        )

    @task(trigger_rule="all_done")
    def end_approvals() -> None:
        """Ends after every answer or where none was needed: behind a skip, `publish_champions` would be skipped too."""

    @task(outlets=[Asset(assets.CHAMPIONS)])
    def publish_champions(day: str, *, outlet_events) -> None:
        publish_day(assets.CHAMPIONS, day, outlet_events)

    @task(trigger_rule="one_failed", on_failure_callback=None)  # the task that failed has sent its alert
    def fail_when_a_model_failed() -> None:
        raise AirflowFailException("a model could not be trained or promoted: see its task")

    day, models = choose_day(assets.PROFILES), choose_models()
    trainings = training.partial(day=day).expand(model=models)
    trained = list_trained(models)
    decisions = Command(
        task_id="gate", arguments=["training.promote", "--model", trained, "--ds", day, "--mode", GATE_MODE], **ON_GPU
    )
    waiting = list_waiting(trained, day, GATE_MODE)
    approvals = approval.expand(challenger=waiting)
    trainings >> trained
    decisions >> waiting
    page = NightPage(task_id="page", arguments=["monitoring.page", "--ds", day], unless="publish_champions")
    [waiting, approvals >> end_approvals()] >> publish_champions(day) >> page.as_teardown()
    [trainings, decisions, approvals] >> fail_when_a_model_failed()
    start_other_days(assets.PROFILES, day, "train_models")


train_models()
