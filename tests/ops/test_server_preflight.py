import json
import socket
import subprocess

import pytest

from contracts.errors import SettingsError
from ops.server import preflight


def command(folder, name, script):
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


@pytest.fixture
def commands(monkeypatch, tmp_path):
    """A folder that holds all commands that are found, but for the shell."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_no_docker_is_said_in_a_sentence(commands):  # noqa: ARG001
    with pytest.raises(SettingsError, match=r"expected docker on this machine.*apt-get install"):
        preflight.require_docker()


def test_an_engine_that_does_not_answer_is_quoted(commands):
    command(commands, "docker", "echo 'permission denied' >&2; exit 1")
    with pytest.raises(SettingsError, match="a docker engine that answers, but received permission denied"):
        preflight.require_docker()


def test_compose_of_either_version_is_found(commands):
    command(commands, "docker", '[ "$1" != compose ]')
    with pytest.raises(SettingsError, match=r"docker compose, version 2 or 1\.29, but received neither"):
        preflight.require_docker()
    command(commands, "docker-compose", "exit 0")
    assert preflight.require_docker() == ["docker-compose"]
    command(commands, "docker", "exit 0")
    assert preflight.require_docker() == ["docker", "compose"]


def test_a_taken_port_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with pytest.raises(SettingsError, match=f"to listen on 127.0.0.1:{port}.*make up PORT="):
            preflight.require_port("127.0.0.1", port)
    preflight.require_port("127.0.0.1", port)


@pytest.mark.parametrize("port", ["0", "65536", "https"])
def test_what_is_no_port_is_refused(port):
    with pytest.raises(SettingsError, match="a port from 1 to 65535"):
        preflight.require_port("127.0.0.1", port)


def machine(monkeypatch, gib):
    docker_info = json.dumps({"MemTotal": gib * 2**30})
    monkeypatch.setattr(
        preflight.subprocess, "run", lambda run, **_: subprocess.CompletedProcess(run, 0, docker_info, "")
    )


def test_too_little_memory_is_said_before_anything_starts(monkeypatch):
    machine(monkeypatch, 10)
    preflight.require_memory({}, cluster=False)
    with pytest.raises(SettingsError, match=r"12 GiB of memory for the whole stack.*STACK=core"):
        preflight.require_memory({}, cluster=True)


def test_a_spark_worker_too_small_for_an_executor_is_refused(monkeypatch):
    machine(monkeypatch, 64)
    with pytest.raises(SettingsError, match=r"at least 1\.8 GiB.*1\.0 GiB, on which no executor would ever start"):
        preflight.require_memory({"NIGHTSHIFT_SPARK_WORKER_MEMORY": "1g"}, cluster=True)
    with pytest.raises(SettingsError, match="a size such as 4g"):
        preflight.require_memory({"NIGHTSHIFT_SPARK_WORKER_MEMORY": "plenty"}, cluster=True)
    preflight.require_memory({"NIGHTSHIFT_SPARK_WORKER_MEMORY": "2500m"}, cluster=True)


def test_images_of_another_release_are_refused():
    preflight.require_release({"nightshift-worker:abc": "abc"}, "abc")
    with pytest.raises(SettingsError, match="release abc, the code in this folder, but received release def"):
        preflight.require_release({"nightshift-airflow:abc": "abc", "nightshift-worker:abc": "def"}, "abc")
    with pytest.raises(SettingsError, match="received no such image"):
        preflight.require_release({"nightshift-worker:abc": ""}, "abc")
