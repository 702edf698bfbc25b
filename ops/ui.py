"""Airflow, MLflow, TensorBoard and the page of the night on one lake: their addresses, and where the password is.

Ctrl-C stops all.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time

from rich.console import Console

from contracts.entry_point import exit_with_sentence
from contracts.errors import NightshiftError
from contracts.settings import Settings
from ops.airflow import prepare_airflow
from ops.pages import PORT
from ops.ports import require_free

READY_SECONDS = 600
"""For a machine that is busy; a server that has ended is not waited for."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="make ui", description=__doc__)
    parser.add_argument("--airflow-port", type=int, default=8080, help="make ui AIRFLOW_PORT=8080")
    parser.add_argument("--mlflow-port", type=int, default=5000, help="make ui MLFLOW_PORT=5000")
    parser.add_argument("--tensorboard-port", type=int, default=6006, help="make ui TENSORBOARD_PORT=6006")
    parser.add_argument("--page-port", type=int, default=PORT, help="make ui PAGE_PORT=8090")
    options = parser.parse_args()
    for name in ("airflow_port", "mlflow_port", "tensorboard_port", "page_port"):
        require_free("127.0.0.1", getattr(options, name), remedy=f"name another port with {name.upper()}=")
    settings = Settings.from_env()
    console = Console(highlight=False)
    os.umask(0o077)  # airflow standalone writes its password as clear text
    logs = settings.home.logs
    logs.mkdir(parents=True, exist_ok=True)
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background jobs are started deaf to the first
        signal.signal(number, signal.default_int_handler)
    with console.status("preparing Airflow ..."):
        prepare_airflow(settings, logs / "airflow-setup.log")
    commands = {
        # tasks report to the address that the base url names, whatever the port
        "airflow": (
            ["airflow", "standalone"],
            {
                "AIRFLOW__API__HOST": "127.0.0.1",
                "AIRFLOW__API__PORT": str(options.airflow_port),
                "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{options.airflow_port}",
                "NIGHTSHIFT_NIGHT_PAGE": os.environ.get("NIGHTSHIFT_NIGHT_PAGE")
                or f"http://127.0.0.1:{options.page_port}",
            },
            options.airflow_port,
        ),
        "mlflow": (
            [
                *("mlflow", "server", "--backend-store-uri", settings.registry_uri, "--workers", "1"),
                *("--artifacts-destination", str(settings.home.artifacts)),
                *("--host", "127.0.0.1", "--port", str(options.mlflow_port)),
            ],
            {},
            options.mlflow_port,
        ),
        "tensorboard": (
            [
                *("tensorboard", "--logdir", str(settings.home.tensorboard)),
                *("--host", "127.0.0.1", "--port", str(options.tensorboard_port)),
            ],
            {},
            options.tensorboard_port,
        ),
        "page": ([sys.executable, "-m", "ops.pages", "--port", str(options.page_port)], {}, options.page_port),
    }
    servers: list[subprocess.Popen] = []
    try:
        for name, (command, extra, _) in commands.items():
            with (logs / f"{name}.log").open("ab") as log:
                servers.append(
                    subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | extra, start_new_session=True)
                )
        with console.status("starting Airflow, MLflow, TensorBoard and the page of the night ..."):
            for server, (name, (_, _, port)) in zip(servers, commands.items(), strict=True):
                wait_until_open(name, port, server, logs)
        console.print(f"Night    http://127.0.0.1:{options.page_port}  how the last night went")
        console.print(f"Airflow  http://127.0.0.1:{options.airflow_port}  the DAGs: triggers, runs, backfills")
        console.print(f"         user admin, password in {settings.home.airflow / 'passwords.json'}")
        console.print(f"MLflow   http://127.0.0.1:{options.mlflow_port}  runs and registered models")
        console.print(
            f"Curves   http://127.0.0.1:{options.tensorboard_port}  TensorBoard: every epoch of every training"
        )
        console.print("DAGs are paused until you switch them on. Ctrl-C stops all.")
        while all(server.poll() is None for server in servers):
            time.sleep(1)
        console.print(f"a server has stopped: see {logs}")
    except KeyboardInterrupt:
        console.print("stopping")
    finally:
        for server in servers:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGTERM)
        for server in servers:
            server.wait(30)


def wait_until_open(name: str, port: int, server: subprocess.Popen, logs) -> None:
    """Return when a server answers on its port; raise when it stops or takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    raise NightshiftError(
        expected=f"{name} on port {port} within {READY_SECONDS} seconds",
        received="none" if server.poll() is None else f"its end with status {server.returncode}",
        remedy=f"look into {logs / f'{name}.log'}",
    )


if __name__ == "__main__":
    exit_with_sentence(main)
