"""One night on the stack for a server: equal to the embedded one, trained where it should be, closed to strangers."""

import json

import pytest

from tests.compose.conftest import DS
from tests.compose.running import basic, docker

SEED_NOISE = 0.05
"""How far a model's figure may lie from the embedded run's: the same seed, on threads that add up in another order."""

AIRFLOW = [
    ("GET", "/airflow/api/v2/dags"),
    ("POST", "/airflow/api/v2/dags/nightly_profiles/dagRuns"),
    ("GET", "/airflow/api/v2/dags/train_models/dagRuns"),
    ("GET", "/airflow/api/v2/connections"),
    ("GET", "/airflow/api/v2/variables"),
    ("GET", "/airflow/api/v2/pools"),
    ("GET", "/airflow/api/v2/config"),
    ("GET", "/airflow/api/v2/eventLogs"),
    ("GET", "/airflow/api/v2/assets"),
    ("GET", "/airflow/ui/dags"),
]
MLFLOW = [
    ("GET", "/"),
    ("GET", "/api/2.0/mlflow/experiments/search?max_results=1"),
    ("GET", "/api/2.0/mlflow/registered-models/search"),
    ("POST", "/api/2.0/mlflow/registered-models/alias"),
    ("GET", "/api/2.0/mlflow-artifacts/artifacts"),
    ("GET", "/ajax-api/2.0/mlflow/users/current"),
    ("POST", "/graphql"),
]
PAGES = [
    ("GET", "/nights/"),
    ("GET", "/tensorboard/"),
    ("GET", "/tensorboard/data/runs"),
    ("GET", "/spark/"),
    ("GET", "/spark/json/"),
]


def test_the_report_equals_that_of_the_embedded_run(night, embedded):
    for counted in ("sources", "persons", "profiles", "identity", "scored_people", "failed_people"):
        assert night[counted] == embedded[counted], counted
    for name, audience in embedded["audiences"].items():
        assert night["audiences"][name]["scored"] == audience["scored"]
        assert night["audiences"][name]["failed"] == 0
    assert set(night["models"]) == set(embedded["models"])
    for model, found in embedded["models"].items():
        figure = found["metric"]
        assert night["models"][model]["metrics"][figure] == pytest.approx(found["metrics"][figure], abs=SEED_NOISE)


def test_training_ran_on_the_queue_of_the_gpu_worker(stack, night):  # noqa: ARG001
    host = stack.inside("worker-gpu", "hostname").strip()
    trained = [task for task in stack.tasks("train_models", _run(stack)) if task["task_id"] == "train"]
    assert len(trained) == 5
    assert {(task["queue"], task["hostname"]) for task in trained} == {("gpu", host)}


def test_spark_ran_on_the_cluster(stack, night):  # noqa: ARG001
    applications = stack.inside("worker", "sh", "-c", "ls /srv/nightshift/spark-events").split()
    assert applications
    assert all(name.startswith(("app-", "eventlog_v2_app-")) for name in applications), applications


def test_the_champions_are_in_the_mlflow_server(stack, night):  # noqa: ARG001
    latest = stack.report(DS)["models"]
    promoted = {model: found for model, found in latest.items() if found["decision"] == "promoted"}
    assert "next_item" in promoted
    for model, found in promoted.items():
        aliased = stack.mlflow("viewer", f"/registered-models/alias?name={model}&alias=champion")
        assert aliased["model_version"]["version"] == found["version"]


@pytest.mark.parametrize(("method", "path"), AIRFLOW + MLFLOW + PAGES)
def test_strangers_and_wrong_passwords_are_refused(stack, method, path):
    body = {} if method == "POST" else None
    headers = [{}, basic("admin", "wrong"), basic("viewer", "wrong"), {"Authorization": "Bearer wrong"}]
    answers = [stack.ask(path, method=method, body=body, headers=one)[0] for one in headers]
    assert all(status in (401, 403) for status in answers), answers


def test_a_wrong_password_gets_no_token(stack):
    for path in ("/airflow/auth/token", "/airflow/auth/token/cli"):
        status, _ = stack.ask(path, method="POST", body={"username": "admin", "password": "wrong"})
        assert status == 401


def test_what_workers_speak_to_is_not_behind_the_door(stack):
    assert stack.ask("/airflow/execution/health")[0] == 404


def test_a_viewer_looks_and_changes_nothing(stack):
    assert stack.airflow("viewer", "/dags")[0] == 200
    body = {"logical_date": None, "conf": {"day": DS}}
    for path in ("nightly_profiles", "train_models", "activate_audiences"):
        assert stack.airflow("viewer", f"/dags/{path}/dagRuns", method="POST", body=body)[0] == 403
        assert stack.airflow("viewer", f"/dags/{path}", method="PATCH", body={"is_paused": True})[0] == 403


def test_a_viewer_cannot_promote(stack, night):  # noqa: ARG001
    headers = basic("viewer", stack.password("mlflow_accounts", "viewer"))
    body = {"name": "next_item", "alias": "champion", "version": "1"}
    status, answer = stack.ask("/api/2.0/mlflow/registered-models/alias", method="POST", body=body, headers=headers)
    assert status == 403, answer


def test_nothing_listens_outside_the_proxy(stack):
    ids = docker("ps", "--quiet", "--filter", f"label=com.docker.compose.project={stack.project}").split()
    containers = json.loads(docker("inspect", *ids))
    published = {
        one["Config"]["Labels"]["com.docker.compose.service"]
        for one in containers
        if any(one["NetworkSettings"]["Ports"].values())
    }
    assert published == {"proxy"}
    assert all(one["HostConfig"]["NetworkMode"] != "host" for one in containers)


def test_no_secret_is_in_an_environment_or_a_command(stack):
    ids = docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={stack.project}").split()
    listed = docker("inspect", *ids)
    for file in (stack.home / "secrets").iterdir():
        for word in file.read_text().split():
            assert len(word) < 20 or word.startswith("-----") or word not in listed, file.name


def test_containers_do_not_run_as_root(stack):
    for service in (
        "airflow-api",
        "airflow-scheduler",
        "worker",
        "worker-gpu",
        "mlflow",
        "spark-worker",
        "proxy",
        "redis",
    ):
        assert stack.inside(service, "id", "-u").strip() != "0", service


def _run(stack) -> str:
    return stack.latest_run("train_models")["dag_run_id"]
