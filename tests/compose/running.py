"""A stack that runs: its pages over TLS, its containers, and what they hold."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.settings import REPOSITORY

DAGS = ("nightly_profiles", "train_models", "activate_audiences")
POLL_SECONDS = 3


@dataclass(frozen=True)
class RunningStack:
    """The stack of one test run."""

    home: Path
    project: str
    port: int

    @property
    def address(self) -> str:
        return f"https://localhost:{self.port}"

    def make(self, *words: str) -> None:
        """A verb of the Makefile for this stack."""
        environ = os.environ | {"NIGHTSHIFT_HOME": str(self.home), "NIGHTSHIFT_PROJECT": self.project}
        subprocess.run(["make", "--silent", "-C", str(REPOSITORY), *words], env=environ, check=True)

    def volumes(self) -> list[str]:
        label = f"label=com.docker.compose.project={self.project}"
        return docker("volume", "ls", "--quiet", "--filter", label).split()

    def password(self, accounts: str, name: str) -> str:
        lines = (self.home / "secrets" / accounts).read_text().splitlines()
        return next(line.split()[2] for line in lines if line.split()[0] == name)

    def ask(self, path: str, *, method: str = "GET", body: Any = None, headers: dict | None = None) -> tuple[int, Any]:
        """Status and content, as JSON where it is that; redirects are not followed."""
        context = ssl.create_default_context(cafile=str(self.home / "secrets" / "tls_certificate"))
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _StayHere)
        data = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} if data else {}
        request = urllib.request.Request(self.address + path, data, sent | (headers or {}), method=method)
        try:
            with opener.open(request, timeout=60) as answer:
                status, content = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, content = error.code, error.read()
        try:
            return status, json.loads(content)
        except ValueError:
            return status, content.decode(errors="replace")

    def bearer(self, name: str, password: str | None = None) -> dict[str, str]:
        """The header of an Airflow account."""
        body = {"username": name, "password": password or self.password("airflow_accounts", name)}
        status, token = self.ask("/airflow/auth/token", method="POST", body=body)
        require(status == 201, token)
        return {"Authorization": f"Bearer {token['access_token']}"}

    def airflow(self, name: str, path: str, *, method: str = "GET", body: Any = None) -> tuple[int, Any]:
        return self.ask(f"/airflow/api/v2{path}", method=method, body=body, headers=self.bearer(name))

    def mlflow(self, name: str, path: str) -> Any:
        status, content = self.ask(
            f"/api/2.0/mlflow{path}", headers=basic(name, self.password("mlflow_accounts", name))
        )
        require(status == 200, content)
        return content

    def container(self, service: str, number: int = 1) -> str:
        """Id of a service's container."""
        labels = [f"com.docker.compose.project={self.project}", f"com.docker.compose.service={service}"]
        labels.append(f"com.docker.compose.container-number={number}")
        filters = [word for label in labels for word in ("--filter", f"label={label}")]
        return docker("ps", "--all", "--quiet", *filters).strip()

    def inside(self, service: str, *command: str) -> str:
        return docker("exec", self.container(service), *command)

    def latest_run(self, dag: str) -> dict[str, Any] | None:
        status, found = self.airflow("operator", f"/dags/{dag}/dagRuns?order_by=-run_after&limit=1")
        require(status == 200, found)
        return found["dag_runs"][0] if found["dag_runs"] else None

    def tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        status, found = self.airflow("operator", f"/dags/{dag}/dagRuns/{run}/taskInstances?limit=100")
        require(status == 200, found)
        return found["task_instances"]

    def report(self, ds: str) -> dict[str, Any]:
        return json.loads(self.inside("worker", "cat", f"/srv/nightshift/reports/nightly-{ds}.json"))

    def start_night(self, ds: str) -> None:
        """Switch the DAGs on and trigger the first for a day, as an operator.

        Switched on, the first starts the night before this one, whose deliveries a demo does not have: it is ended.
        """
        for dag in DAGS:
            status, reply = self.airflow("operator", f"/dags/{dag}", method="PATCH", body={"is_paused": False})
            assert status == 200, reply
        for run in self.scheduled_runs():
            path = f"/dags/nightly_profiles/dagRuns/{run}"
            assert self.airflow("operator", path, method="PATCH", body={"state": "failed"})[0] == 200
        body = {"logical_date": None, "conf": {"day": ds}}
        status, reply = self.airflow("operator", "/dags/nightly_profiles/dagRuns", method="POST", body=body)
        assert status == 200, reply

    def scheduled_runs(self) -> list[str]:
        """Ids of the runs that the clock has started and that go on, once it had the time to."""
        time.sleep(3 * POLL_SECONDS)
        status, found = self.airflow("operator", "/dags/nightly_profiles/dagRuns?run_type=scheduled")
        assert status == 200, found
        return [run["dag_run_id"] for run in found["dag_runs"] if run["state"] in ("queued", "running")]

    def wait_for_run(self, dag: str, *, seconds: float, after: str | None = None) -> dict[str, Any]:
        """The newest run of a DAG, once it has ended well; `after` is the id of one that does not count."""

        def ended() -> dict[str, Any] | None:
            run = self.latest_run(dag)
            if run is None or run["dag_run_id"] == after:
                return None
            if run["state"] == "failed":
                failed = [(task["task_id"], task["state"]) for task in self.tasks(dag, run["dag_run_id"])]
                raise AssertionError(f"{dag} failed: {failed}")
            return run if run["state"] == "success" else None

        return wait_until(ended, seconds=seconds, what=f"{dag} to end")


@contextlib.contextmanager
def started(home: Path, project: str, port: int, **overrides: str) -> Iterator[RunningStack]:
    """A stack of its own while it is entered; stopped and removed, volumes too, at the end."""
    stack = RunningStack(home, project, port)
    try:
        stack.make("up", f"PORT={port}", *(f"{name}={value}" for name, value in overrides.items()))
        yield stack
    finally:
        stack.make("down")
        docker("volume", "rm", *stack.volumes())


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def docker(*words: str, check: bool = True) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout


def require(well: bool, reply: Any) -> None:
    """Raise ConnectionError where a service gave another answer than it gives when it is well."""
    if not well:
        raise ConnectionError(str(reply))


def shell(commands: str, folder: Path) -> None:
    """Run lines of a shell as a reader of the documents would."""
    done = subprocess.run(["bash", "-e", "-c", commands], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def wait_until(true: Callable[[], Any], *, seconds: float, what: str) -> Any:
    """What `true` returns, once that is true; services that are down meanwhile are waited for, too."""
    deadline, last = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        try:
            if found := true():
                return found
        except OSError as error:
            last = error
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"waited {seconds} seconds for {what}" + (f"; the last error was {last}" if last else ""))
