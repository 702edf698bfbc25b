"""Commands that are forked from a process with their libraries imported begin, speak and end as others do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contracts.preloaded import SOCKET, python_command
from contracts.settings import REPOSITORY
from ops.preloaded import preloaded


@pytest.fixture(scope="module", autouse=True)
def server():
    """A process that has imported next to nothing, and has begun to listen."""
    with preloaded(libraries=["json"]):
        deadline = time.monotonic() + 20
        while not Path(os.environ[SOCKET]).is_socket():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield os.environ[SOCKET]


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A folder with a package `training`, in which a test writes a command."""
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "training"


def forked(*arguments: str, **options) -> subprocess.CompletedProcess:
    command = python_command(arguments)
    assert command[1] != "-m", "it is not run by the server"
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


def test_output_arguments_variables_and_status_are_those_of_the_command(room):
    (room / "say.py").write_text(
        "import os, sys\nprint(__name__, sys.argv[1:], os.environ['WORD'], os.getcwd())\nsys.exit('no')\n"
    )
    answer = forked("training.say", "a b", env={**os.environ, "WORD": "one"})
    assert answer.stdout == f"__main__ ['a b'] one {room.parent}\n"
    assert (answer.stderr, answer.returncode) == ("no\n", 1)


def test_a_command_does_not_see_what_another_did(room):
    (room / "change.py").write_text("import json, os\nos.environ['LEFT'] = '1'\njson.left = 1\n")
    (room / "look.py").write_text("import json, os\nprint('LEFT' in os.environ, hasattr(json, 'left'))\n")
    assert forked("training.change").returncode == 0
    assert forked("training.look").stdout == "False False\n"


def test_an_unknown_module_and_a_killed_command_are_failures(room):
    assert forked("training.nowhere").returncode == 1
    (room / "kill.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    assert forked("training.kill").returncode == 128 + signal.SIGKILL


def test_a_command_ends_with_whoever_started_it(room):
    (room / "wait.py").write_text("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)\n")
    asked = subprocess.Popen(python_command(["training.wait"]), stdout=subprocess.PIPE, text=True)
    pid = int(asked.stdout.readline())
    asked.kill()
    asked.wait()
    asked.stdout.close()
    assert_gone(pid)
    assert forked("training.nowhere").returncode == 1, "the server goes on"


def test_commands_end_with_the_server_and_the_server_with_who_started_it(room):
    (room / "wait.py").write_text("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)\n")
    starter = (
        "import os, subprocess, time\nfrom contracts.preloaded import SOCKET, python_command\n"
        "from ops.preloaded import preloaded\n"
        "with preloaded(['json']):\n"
        "    while not os.path.exists(os.environ[SOCKET]): time.sleep(.05)\n"
        "    subprocess.run(python_command(['training.wait']))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    started = subprocess.Popen([sys.executable, "-c", starter], env=environment, stdout=subprocess.PIPE, text=True)
    pid = int(started.stdout.readline())
    started.kill()
    started.wait()
    started.stdout.close()
    assert_gone(pid)


def test_without_a_server_and_for_other_rooms_python_starts(monkeypatch):
    assert python_command(["spark_jobs.main", "map"]) == [sys.executable, "-m", "spark_jobs.main", "map"]
    monkeypatch.setenv(SOCKET, "/nowhere")
    assert python_command(["training.train"]) == [sys.executable, "-m", "training.train"]


def assert_gone(pid: int) -> None:
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, "it goes on"
        time.sleep(0.1)
