"""What is lost when a part of the stack dies in mid-work: nothing. Each test says what it broke and what it found."""

import json
import re
import subprocess
import time

import pytest

from tests.compose.conftest import DS
from tests.compose.running import docker, wait_until

KILL_ALL = "import os, signal; os.kill(-1, signal.SIGKILL)"
"""Every process of a container but the first, which then ends with them."""

DIGESTS = """
import hashlib, json
import pyarrow.dataset as dataset
from contracts.lake import Lake
from contracts.settings import Settings
lake = Lake(Settings.from_env().home.lake)

def rows(table, day):
    found = dataset.dataset([str(file) for file in lake.files(table, day)]).to_table().to_pylist()
    return hashlib.sha256("".join(sorted(map(str, found))).encode()).hexdigest()

mapped = ("events", "answers", "media", "consents", "identity_edges", "items", "persons")
marts = ("dim_person_profile", "fct_interactions", "training_sequences", "training_responses")
print(json.dumps({table: [[day, made(table, day)] for day in lake.days(table)]
    for table, made in (dict.fromkeys(mapped, lake.digest) | dict.fromkeys(marts, rows)).items()}))
"""
"""Of what Spark maps the bytes; of the marts, which a cluster cuts into files as it likes, the rows."""


@pytest.fixture(scope="module")
def before(stack, night):
    """What the lake held and the report said after a quiet night."""
    return {"lake": lake_of(stack), "report": night, "activated": stack.latest_run("activate_audiences")["dag_run_id"]}


def lake_of(stack):
    return json.loads(stack.inside("worker", "python3", "-c", DIGESTS).splitlines()[-1])


def kill(stack, service):
    """As the kernel would: no signal that anybody could answer."""
    docker("exec", stack.container(service), "python3", "-c", KILL_ALL, check=False)


def running(stack, dag, task):
    run = stack.latest_run(dag)
    return run and any(
        one["task_id"] == task and one["state"] == "running" for one in stack.tasks(dag, run["dag_run_id"])
    )


def well(stack, service):
    form = "{{.State.Health.Status}}"
    return lambda: docker("inspect", "--format", form, stack.container(service), check=False).strip() == "healthy"


def test_a_spark_worker_and_the_scheduler_die_while_a_night_is_mapped(stack, before):
    last = {dag: stack.latest_run(dag)["dag_run_id"] for dag in ("nightly_profiles", "train_models")}
    stack.start_night(DS)
    wait_until(lambda: running(stack, "nightly_profiles", "map"), seconds=180, what="a map task to run")
    wait_until(lambda: executors(stack), seconds=120, what="executors on the cluster")
    kill(stack, "spark-worker")
    time.sleep(10)
    kill(stack, "airflow-scheduler")
    stack.wait_for_run("nightly_profiles", seconds=1800, after=last["nightly_profiles"])
    assert lake_of(stack) == before["lake"]


def test_the_gpu_worker_dies_in_mid_training_and_training_goes_on_from_its_last_epoch(stack, before):  # noqa: ARG001
    """Follows the night of the test above, whose asset starts `train_models`."""
    wait_until(lambda: running(stack, "train_models", "train"), seconds=300, what="a model to be trained")
    wait_until(lambda: checkpoints(stack), seconds=300, what="an epoch to be kept")
    kill(stack, "worker-gpu")
    wait_until(well(stack, "worker-gpu"), seconds=300, what="the GPU worker to be back")
    docker("stop", stack.container("postgres"))
    time.sleep(30)
    docker("start", stack.container("postgres"))
    wait_until(lambda: resumed(stack), seconds=900, what="a training to say that it resumes")


def test_the_mlflow_server_dies_while_models_are_promoted(stack, before):  # noqa: ARG001
    wait_until(lambda: running(stack, "train_models", "gate"), seconds=1800, what="the gate to decide")
    kill(stack, "mlflow")
    run = wait_until(lambda: ended(stack, "train_models"), seconds=1800, what="train_models to end")
    assert run["state"] == "success", stack.tasks("train_models", run["dag_run_id"])
    ledger = [json.loads(line) for line in stack.inside("worker", "cat", "/srv/nightshift/ledger.jsonl").splitlines()]
    champions = {row["model"]: row["version"] for row in ledger if row["decision"] == "promoted"}
    assert champions
    for model, version in champions.items():
        aliased = stack.mlflow("viewer", f"/registered-models/alias?name={model}&alias=champion")
        assert aliased["model_version"]["version"] == version, f"ledger and registry disagree on {model}"


def test_the_night_ends_in_the_same_audiences(stack, before):
    stack.wait_for_run("activate_audiences", seconds=900, after=before["activated"])
    report = stack.report(DS)
    # `sources` counts what was mapped: of the second night its own day only
    for counted in ("persons", "profiles", "scored_people", "failed_people"):
        assert report[counted] == before["report"][counted], counted
    for name, audience in before["report"]["audiences"].items():
        assert report["audiences"][name]["scored"] == audience["scored"]


def test_a_full_disk_publishes_nothing_and_ends_in_a_sentence(stack):
    image = json.loads(docker("inspect", stack.container("worker")))[0]["Config"]["Image"]
    owner = stack.inside("worker", "id", "-u").strip()
    volume = ["--tmpfs", f"/srv/nightshift:size=3m,uid={owner}", "--volume", f"{stack.home / 'raw'}:/srv/raw:ro"]
    settings = ["--env", "NIGHTSHIFT_HOME=/srv/nightshift", "--env", "NIGHTSHIFT_RAW=/srv/raw"]
    settings += ["--env", "SPARK_CONF_DIR=/opt/nightshift/ops/spark"]
    job = f"python3 spark_jobs/main.py map --source apache_combined --ds {DS}; echo status $?; "
    job += "find /srv/nightshift/lake -mindepth 2 -maxdepth 2 -name 'ds=*'"
    done = subprocess.run(
        ["docker", "run", "--rm", *volume, *settings, image, "bash", "-c", job],
        capture_output=True,
        text=True,
        check=False,
    )
    status = re.search(r"status (\d+)", done.stdout)
    assert status and status[1] != "0", done.stdout
    assert "ds=" not in done.stdout.split(status[0])[1]
    assert "No space left" in done.stderr or "disk" in done.stderr, done.stderr[-2000:]


def executors(stack):
    found = stack.inside("spark-master", "python3", "-c", _MASTER)
    return any(app["cores"] > 0 for app in json.loads(found)["activeapps"])


_MASTER = "import urllib.request as u; print(u.urlopen('http://localhost:8080/json/').read().decode())"


def checkpoints(stack):
    return stack.inside("worker", "sh", "-c", "find /srv/nightshift/checkpoints -type f | head -1").strip()


def resumed(stack):
    """Whether a log of the latest training says that it goes on where it was."""
    logs = f"/opt/airflow/logs/dag_id=train_models/run_id={stack.latest_run('train_models')['dag_run_id']}"
    return stack.inside("worker", "sh", "-c", f"grep -rl 'resumed after epoch' {logs} | head -1").strip()


def ended(stack, dag):
    run = stack.latest_run(dag)
    return run if run["state"] in ("success", "failed") else None
