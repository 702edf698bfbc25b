"""The champion answers a history over HTTP, served by MLflow alone."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from contracts.settings import Settings

START_SECONDS = 120


@pytest.fixture
def address(night, tmp_path):  # noqa: ARG001  the night sets the address of the registry
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", "models:/next_item@champion"]
    environment = {
        **os.environ,
        "DO_NOT_TRACK": "true",
        "MLFLOW_TRACKING_URI": Settings.from_env().registry_uri,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)],
            cwd=tmp_path,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield _when_up(f"http://127.0.0.1:{port}", server, tmp_path / "log")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=20)


def _when_up(address, server, log):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/ping", timeout=2)
        except OSError:
            time.sleep(0.3)
        else:
            return address
    raise AssertionError(f"expected an answer within {START_SECONDS} s, received:\n{log.read_text()[-3000:]}")


def test_histories_are_answered_over_http(address):
    question = {
        "dataframe_records": [{"history": ["i05", "i06"]}, {"history": []}, {"history": ["never heard of"]}],
        "params": {"k": 3},
    }
    request = urllib.request.Request(
        f"{address}/invocations", json.dumps(question).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        walker, newcomer, stranger = json.load(response)["predictions"]
    assert len(walker["items"]) == len(walker["scores"]) == 3
    assert set(walker["because"]) <= {"i05", "i06"}
    assert newcomer == stranger
    assert newcomer["because"] == [None, None, None]
