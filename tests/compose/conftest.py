"""The stack for a server on the simulated town; only with `--compose`, as `make test-compose` gives it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from contracts.settings import REPOSITORY
from tests.compose.running import DAGS, RunningStack, started

PROJECT, PORT = "nightshift-test", 18443
DS = "2026-11-19"
"""The newest day of the simulated town."""


def pytest_addoption(parser):
    parser.addoption("--compose", action="store_true", help="build and start the stack for a server, and try it")
    parser.addoption("--stack", metavar="FOLDER", help="try the stack of this home, which runs and has had its night")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--compose", default=False):
        reason = "the stack for a server is tried by `make test-compose`"
    elif (
        shutil.which("docker") is None
        or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
    ):
        reason = "docker cannot run here"
    else:
        return
    for item in items:
        if "compose" in item.nodeid.split("/"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def stack(pytestconfig, tmp_path_factory):
    """The stack, built and started anew on the simulated town; stopped and removed, volumes too, at the end.

    `--stack FOLDER` takes one that runs instead, as it is; the folder is its NIGHTSHIFT_HOME.
    """
    if kept := pytestconfig.getoption("--stack"):
        kept_settings = dict(line.split("=", 1) for line in (Path(kept) / "stack.env").read_text().splitlines())
        yield RunningStack(Path(kept), kept_settings["NIGHTSHIFT_PROJECT"], int(kept_settings["NIGHTSHIFT_PORT"]))
        return
    with started(tmp_path_factory.mktemp("stack"), PROJECT, PORT, TOWN="yes") as stack:
        yield stack


@pytest.fixture(scope="session")
def night(pytestconfig, stack):
    """The report of a whole night on the stack, triggered by an operator over the REST API."""
    if not pytestconfig.getoption("--stack"):
        stack.start_night(DS)
        for dag in DAGS:
            stack.wait_for_run(dag, seconds=1800)
    return stack.report(DS)


@pytest.fixture(scope="session")
def embedded(stack, night, tmp_path_factory):  # noqa: ARG001  after the stack's night: two nights at once are slow
    """The report of the same night on one machine without the stack: same deliveries, same key."""
    home = tmp_path_factory.mktemp("embedded")
    environ = os.environ | {
        "NIGHTSHIFT_HOME": str(home),
        "NIGHTSHIFT_RAW": str(stack.home / "raw"),
        "NIGHTSHIFT_PSEUDONYM_KEY_FILE": str(stack.home / "secrets" / "pseudonym.key"),
    }
    subprocess.run(["make", "--silent", "-C", str(REPOSITORY), "nightly", f"DS={DS}"], env=environ, check=True)
    return json.loads((home / "reports" / f"nightly-{DS}.json").read_text())
