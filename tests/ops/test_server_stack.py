import argparse
import re
import subprocess

import pytest
import yaml

from contracts.errors import SettingsError
from contracts.home import Home
from contracts.settings import REPOSITORY
from ops.server import stack
from ops.server.certificate import make_certificate
from ops.server.preflight import require_docker
from ops.server.secret_files import MAKERS

COMPOSE = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
HEALTH_IN_THE_IMAGE = {"airflow-api", "worker", "worker-gpu", "mlflow", "spark-master", "proxy"}


def told(**words):
    return argparse.Namespace(**{name: words.get(name) for name in ("stack", "host", "port", "spark_workers", "gpu")})


def test_what_was_told_last_is_remembered_and_what_is_told_now_wins(tmp_path):
    (tmp_path / "stack.env").write_text("NIGHTSHIFT_PORT=9443\nNIGHTSHIFT_HOST=kept\nNIGHTSHIFT_GPU=yes\n")
    found = stack.read_settings(Home(tmp_path), told(port="7443"), {"NIGHTSHIFT_GPU": "no", "PATH": "/bin"})
    assert (found["NIGHTSHIFT_PORT"], found["NIGHTSHIFT_HOST"], found["NIGHTSHIFT_GPU"]) == ("7443", "kept", "no")
    assert "PATH" not in found


def test_the_core_runs_spark_in_the_worker_and_the_whole_stack_on_the_cluster_again(tmp_path):
    core = stack.read_settings(Home(tmp_path), told(stack="core"), {})
    assert core["NIGHTSHIFT_SPARK_MASTER"] == "local[*]"
    (tmp_path / "stack.env").write_text("".join(f"{name}={value}\n" for name, value in core.items()))
    assert "NIGHTSHIFT_SPARK_MASTER" not in stack.read_settings(Home(tmp_path), told(stack="full"), {})


def test_the_release_is_that_of_what_the_images_are_made_of(tmp_path, monkeypatch):
    for part in stack.IMAGE_PARTS:
        (tmp_path / part).mkdir()
    monkeypatch.setattr(stack, "REPOSITORY", tmp_path)
    before = stack.release()
    (tmp_path / "README.md").write_text("not in an image")
    assert stack.release() == before
    (tmp_path / "dags" / "one.py").write_text("in an image")
    assert stack.release() != before
    kept = (REPOSITORY / ".dockerignore").read_text()
    assert set(re.findall(r"^!(.*)$", kept, re.MULTILINE)) == set(stack.IMAGE_PARTS)


def test_every_setting_reaches_the_containers_of_a_night():
    made_there = {"NIGHTSHIFT_LINEAGE_PARENT", "NIGHTSHIFT_RELEASE"}  # by the DAGs, and by the image
    known = set(re.findall(r"NIGHTSHIFT_[A-Z_]+[A-Z]", (REPOSITORY / "contracts" / "settings.py").read_text()))
    for name in ("worker", "airflow-scheduler", "airflow-dag-processor"):
        passed = {one for one in COMPOSE["services"][name]["environment"] if one.startswith("NIGHTSHIFT_")}
        assert passed == known - made_there, name


def test_every_service_is_limited_watched_and_restarted():
    for name, service in COMPOSE["services"].items():
        assert service["mem_limit"], name
        assert service["logging"]["options"]["max-size"], name
        assert service["restart"], name
        assert "healthcheck" in service or name in HEALTH_IN_THE_IMAGE, name
        assert re.search(r":[^:]*\w", service["image"]), name
        assert not service["image"].endswith(":latest"), name
        for condition in service.get("depends_on", {}).values():
            assert condition["condition"] in ("service_healthy", "service_completed_successfully"), name


def test_only_the_proxy_publishes_a_port():
    assert [name for name, service in COMPOSE["services"].items() if "ports" in service] == ["proxy"]


def test_every_secret_of_the_stack_is_made():
    made = {"tls_certificate", "tls_key", "pages_htpasswd", "mlflow_credentials"}
    made |= {"airflow_database_uri", "airflow_result_uri", "airflow_broker_uri", "mlflow_database_uri"}
    files = {secret["file"].rsplit("/", 1)[1] for secret in COMPOSE["secrets"].values()}
    assert files == made | set(MAKERS)


def test_dockerfiles_are_locked_watched_and_not_root():
    for file in (REPOSITORY / "docker").glob("*.Dockerfile"):
        text = file.read_text()
        assert text.count("\nFROM ") == text.count("\nFROM debian:bookworm-slim") == 1, file.name
        assert "USER nightshift" in text, file.name
        assert "HEALTHCHECK" in text, file.name
        for install in re.findall(r"pip install .*", text):
            assert "--require-hashes --no-deps" in install, file.name


def test_what_trains_on_the_stack_knows_its_release():
    text = (REPOSITORY / "docker" / "worker.Dockerfile").read_text()
    assert "ENV NIGHTSHIFT_RELEASE=$NIGHTSHIFT_RELEASE" in text.partition("ARG NIGHTSHIFT_RELEASE")[2]


def test_half_a_certificate_is_refused(tmp_path):
    (tmp_path / "tls_key").write_text("mine")
    with pytest.raises(SettingsError, match="only tls_key"):
        make_certificate(tmp_path, "unused", "localhost", 0)


def test_the_operators_certificate_is_left_alone(tmp_path):
    for name in ("tls_certificate", "tls_key"):
        (tmp_path / name).write_text("mine")
    make_certificate(tmp_path, "unused", "localhost", 0)
    assert (tmp_path / "tls_certificate").read_text() == "mine"


@pytest.mark.parametrize("files", [["docker-compose.yml"], ["docker-compose.yml", "docker-compose.gpu.yml"]])
def test_compose_understands_the_files(files):
    try:
        command = require_docker()
    except SettingsError as error:
        pytest.skip(str(error))
    for file in files:
        command += ["--file", str(REPOSITORY / file)]
    done = subprocess.run([*command, "config", "--quiet"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
