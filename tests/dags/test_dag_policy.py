"""Every DAG keeps the house's policy; each failure names the DAG and the remedy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import ParamValidationError

REPOSITORY = Path(__file__).resolve().parents[2]
NIGHTLY = {"nightly_profiles", "train_models", "activate_audiences"}
EXPECTED = NIGHTLY | {"deliver_audiences", "forget_person"}


def test_these_are_all_dags(dags):
    assert set(dags) == EXPECTED


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_policy(dags, name):
    dag = dags[name]
    assert dag.doc_md, f"{name}: write a docstring and pass doc_md=__doc__"
    assert "nightshift" in dag.tags, f"{name}: add the tag nightshift"
    assert dag.max_active_runs == 1, f"{name}: two nights at once would wait for each other's locks"
    assert not dag.catchup, f"{name}: catchup=False; missed days are mapped by the next night, or backfilled by hand"
    assert name not in NIGHTLY or "day" in dag.params, f"{name}: give its form the day"
    for task in dag.tasks:
        assert task.owner == "nightshift", f"{name}.{task.task_id}: pass default_args=DEFAULTS"
        assert task.retries == 2, f"{name}.{task.task_id}: pass default_args=DEFAULTS"
        alerts = [type(callback).__name__ for callback in task.on_failure_callback]
        expected = [] if task.task_id == "fail_when_a_model_failed" else ["FailureAlert"]
        assert alerts == expected, f"{name}.{task.task_id}: default_args=DEFAULTS | alert_on_failure(<day>)"
        over = [type(callback).__name__ for callback in task.on_success_callback]
        assert over[0] == "FailureOver", f"{name}.{task.task_id}: default_args=DEFAULTS | alert_on_failure(<day>)"
    assert dag.deadline, f"{name}: give it deadline=deadline(), so that a run that hangs is noticed"


def test_the_dags_meet_through_assets(dags):
    from airflow.sdk import Asset

    from contracts import assets

    def outlets(name: str) -> set[str]:
        return {outlet.name for task in dags[name].tasks for outlet in task.outlets}

    def waits_for(name: str) -> set[str]:
        return {asset.name for asset in dags[name].schedule}

    assert outlets("nightly_profiles") == {assets.MAPPED, assets.PROFILES}
    assert waits_for("train_models") == {assets.PROFILES}
    assert outlets("train_models") == {assets.CHAMPIONS}
    assert waits_for("activate_audiences") == {assets.CHAMPIONS}
    assert outlets("activate_audiences") == {assets.AUDIENCES}
    assert waits_for("deliver_audiences") == {assets.AUDIENCES}
    assert Asset(assets.PROFILES).uri


def test_a_night_is_cleaned_last_and_trouble_with_it_holds_nothing_up(dags):
    """Trouble with a teardown fails no run; it runs also where a task before it failed, as a full disk needs it."""
    clean = dags["nightly_profiles"].get_task("clean")
    assert clean.arguments[:2] == ["ops.clean", "--ds"]
    assert clean.upstream_task_ids == {"map", "publish_profiles"}
    assert clean.downstream_task_ids == set()
    assert clean.is_teardown
    assert not clean.on_failure_fail_dagrun


@pytest.mark.parametrize("name", sorted(NIGHTLY | {"deliver_audiences"}))
def test_the_page_of_a_night_is_made_whatever_happened_and_fails_no_night(dags, name):
    page = dags[name].get_task("page")
    assert page.arguments[:2] == ["monitoring.page", "--ds"]
    assert page.downstream_task_ids == set()
    assert page.is_teardown
    assert not page.on_failure_fail_dagrun
    [link] = page.operator_extra_links
    assert link.name == "Page of the night"


@pytest.mark.parametrize(
    ("name", "hands_on"), [("nightly_profiles", "publish_profiles"), ("train_models", "publish_champions")]
)
@pytest.mark.parametrize(
    ("state", "made"),
    [("failed", True), ("upstream_failed", True), ("success", False), ("skipped", False), (None, False)],
)
def test_a_night_that_ends_early_has_its_page_there(dags, monkeypatch, name, hands_on, state, made):
    from airflow.sdk.exceptions import AirflowSkipException
    from shared import commands

    page = dags[name].get_task("page")
    assert hands_on in page.upstream_task_ids
    ran = []
    monkeypatch.setattr(commands, "run_module", lambda _, arguments, __: ran.append(list(arguments)))
    states = {hands_on: state} if state else {}
    ti = SimpleNamespace(dag_id=name, run_id="a run", get_task_states=lambda **_: {"a run": states})
    monkeypatch.setattr(page, "arguments", ["monitoring.page", "--ds", "2026-11-19"])
    if made:
        page.execute({"ti": ti})
        assert ran == [page.arguments]
    else:
        with pytest.raises(AirflowSkipException):
            page.execute({"ti": ti})
        assert ran == []


@pytest.mark.parametrize("name", ["store", "watch", "page"])
def test_a_run_that_finds_no_day_starts_no_command(dags, monkeypatch, name):
    """Airflow runs teardowns behind a short circuit, too, and gives them nothing for the day that was not chosen."""
    from airflow.sdk.exceptions import AirflowSkipException

    task = dags["activate_audiences"].get_task(name)
    monkeypatch.setattr(task, "arguments", [*task.arguments[:-1], None])
    with pytest.raises(AirflowSkipException):
        task.execute({})


@pytest.mark.parametrize(
    ("made", "address"),
    [
        ("/srv/home/pages/nightly-2026-11-19.html", "https://shop.example/nights/nightly-2026-11-19.html"),
        (None, "https://shop.example/nights/"),
    ],
    ids=["a page", "none was made"],
)
def test_the_task_of_the_page_links_to_it(dags, monkeypatch, made, address):
    from airflow.sdk.execution_time.xcom import XCom

    monkeypatch.setenv("NIGHTSHIFT_NIGHT_PAGE", "https://shop.example/nights/")
    monkeypatch.setattr(XCom, "get_value", lambda **_: made)
    page = dags["activate_audiences"].get_task("page")
    [link] = page.operator_extra_links
    assert link.get_link(page, ti_key=None) == address


def test_training_runs_on_the_gpu_workers(dags):
    for name in ("gate", "promote"):  # they train what they let pass on everything
        task = dags["train_models"].get_task(name)
        assert (task.queue, task.pool) == ("gpu", "gpu")
    for name in ("tune", "train"):
        task = dags["train_models"].get_task(name)
        assert (task.queue, task.pool) == ("gpu", "gpu")
        assert task.map_index_template == "{{ task.arguments[2] }}"
        assert task.arguments[1:3] == ["--model", task.arguments[2]]


def test_only_models_that_could_be_trained_reach_the_gate(dags):
    list_trained = dags["train_models"].get_task("list_trained").python_callable
    last_lines = ["registered", None, "skipped"]  # of the second, training failed
    assert list_trained(["a", "b", "c"], ti=SimpleNamespace(xcom_pull=lambda **_: last_lines)) == ["a", "c"]


def test_spark_looks_first_where_most_classes_are(dags):
    first = dags["nightly_profiles"].get_task("resolve").driver_class_path
    assert all(Path(jar).is_file() for jar in first.split(":"))
    assert {"spark-catalyst", "scala-library"} <= {
        Path(jar).name.partition("_")[0].rsplit("-2", 1)[0] for jar in first.split(":")
    }


def test_the_form_offers_the_models_that_there_are(dags):
    from training.config import MODELS

    assert dags["train_models"].params["models"] == list(MODELS)


def test_a_person_is_forgotten_by_hand_and_without_a_name(dags):
    dag = dags["forget_person"]
    assert set(dag.params) == {"request", "mode"}
    assert dag.params["mode"] == "dry_run"
    assert dag.schedule is None
    form = dag.params.get_param("request")
    assert form.resolve("0123456789ab") == "0123456789ab"
    for name in ("account:anna01", "anna@example.org", "p00000000000000a1"):
        with pytest.raises(ParamValidationError):
            form.resolve(name)
    arguments = dag.get_task("forget").application_args
    assert arguments == ["forget", "--request", "{{ params.request }}", arguments[-1]]


@pytest.mark.parametrize(("mode", "word"), [("dry_run", "--dry-run"), ("enforce", "--enforce")])
def test_the_mode_of_an_erasure_is_its_word(dags, mode, word):
    from airflow.sdk.definitions._internal.templater import SandboxedEnvironment

    template = dags["forget_person"].get_task("forget").application_args[-1]
    assert SandboxedEnvironment().from_string(template).render(params=SimpleNamespace(mode=mode)) == word


def test_contract_errors_are_not_retried(dags):
    from airflow.sdk import RetryAction

    policy = dags["nightly_profiles"].get_task("profile").retry_policy
    command = "The command returned a non-zero exit code {}."
    spark = "Cannot execute: spark-submit --master local[*] main.py. Error code is: {}."
    for message in (command, spark):
        assert policy.evaluate(RuntimeError(message.format(2)), 1, 2).action is RetryAction.FAIL
        assert policy.evaluate(RuntimeError(message.format(75)), 1, 2).action is RetryAction.DEFAULT
        assert policy.evaluate(RuntimeError(message.format(23)), 1, 2).action is RetryAction.DEFAULT


@pytest.mark.parametrize(
    ("context", "day"),
    [
        ({"day": "2026-11-19"}, "2026-11-19"),
        ({"interval": "2026-11-18"}, "2026-11-18"),
        ({}, "2026-11-20"),
    ],
    ids=["the form's", "the schedule's", "yesterday"],
)
def test_the_day_of_a_scheduled_run(dags, context, day):
    assert dags
    assert _rendered("SCHEDULED_DAY", context) == day


def _rendered(name: str, context: dict) -> str:
    """A template of the DAGs as Airflow's own environment renders it; the run is of 2026-11-21, 03:00 UTC."""
    import datetime

    from airflow.sdk.definitions._internal.templater import SandboxedEnvironment
    from airflow.sdk.execution_time import macros
    from shared import days

    def moment(text: str) -> datetime.datetime:
        return datetime.datetime.fromisoformat(f"{text}T03:00:00+00:00")

    return (
        SandboxedEnvironment()
        .from_string(getattr(days, name))
        .render(
            params=SimpleNamespace(day=context.get("day")),
            data_interval_start=moment(context["interval"]) if "interval" in context else None,
            run_after=moment("2026-11-21"),
            macros=macros,
        )
    )


def test_parsing_needs_no_engine():
    code = (
        "import sys; sys.path.insert(0, 'dags')\n"
        "import nightly_profiles, train_models, activate_audiences, deliver_audiences, forget_person\n"
        "heavy = {'pyspark', 'tensorflow', 'keras', 'mlflow', 'duckdb', 'pandas'} & set(sys.modules)\n"
        "sys.exit(f'parsing imports {heavy}' if heavy else 0)"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr[-500:]


def test_a_night_is_watched_last_and_trouble_with_it_fails_nothing(dags):
    dag = dags["activate_audiences"]
    watch = dag.get_task("watch")
    assert watch.arguments[:2] == ["monitoring.watch", "--ds"]
    assert "activate" in watch.upstream_task_ids
    assert watch.is_teardown
    assert not watch.on_failure_fail_dagrun
    assert [type(callback).__name__ for callback in watch.on_success_callback] == ["FailureOver", "WatchAlert"]
    assert dag.get_task("list_fallen").trigger_rule == "all_done"
    assert dag.get_task("retrain").partial_kwargs["trigger_dag_id"] == "train_models"


def test_a_fallen_champion_is_tuned_and_trained_once(dags, tmp_path, monkeypatch):
    assert dags  # whose folder is on the path now
    from shared.retraining import runs_of_fallen

    from contracts.retrainings import Retrainings

    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    Retrainings(tmp_path / "retrainings").ask("response", "2026-11-20", reason="it fell", rest_days=14)
    assert runs_of_fallen("2026-11-20", "run 1") == []  # nobody has said that it may
    monkeypatch.setenv("NIGHTSHIFT_RETRAIN_MINUTES", "30")
    [run] = runs_of_fallen("2026-11-20", "run 1")
    assert run == {
        "conf": {"day": "2026-11-20", "models": ["response"], "tune_minutes": 30},
        "trigger_run_id": "retrain__response__2026-11-20",
    }
    form = dags["train_models"].params
    assert {name: form.get_param(name).resolve(value) for name, value in run["conf"].items()} == run["conf"]
    assert runs_of_fallen("2026-11-20", "run 2") == []
    assert runs_of_fallen("2026-11-21", "run 3") == []
