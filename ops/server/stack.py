"""The stack of docker-compose.yml: start it, stop it, say how it is.

    make up [STACK=full|core] [HOST=localhost] [PORT=8443] [SPARK_WORKERS=1] [GPU=no] [TOWN=no] [BUILD=yes]
    make status
    make down

`up` checks the machine, makes the secrets, builds the images and waits until every service is healthy. Other settings
are the variables NIGHTSHIFT_* of docker-compose.yml; the options of the last start are kept in
var/stack.env. Nothing but docker, compose and Python is needed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from contracts.entry_point import exit_with_sentence
from contracts.errors import NightshiftError, SettingsError
from contracts.home import Home
from contracts.settings import REPOSITORY, Settings
from ops.server.certificate import make_certificate, make_page_passwords
from ops.server.preflight import require_docker, require_memory, require_port, require_release
from ops.server.secret_files import make_secrets

IMAGE_PARTS = ("activation", "contracts", "dags", "dbt_project", "docker", "lake_tables", "monitoring", "ops")
IMAGE_PARTS += ("privacy", "requirements", "sample_data", "serving", "spark_jobs", "training")
"""What images are made of, as .dockerignore says."""

CONTAINER_USER = 10001
"""User id in the containers where root starts the stack; anybody else's containers run under their own."""


LINEAGE_FILE = {"type": "file", "append": True, "log_file_path": "/srv/nightshift/lineage/airflow.jsonl"}
"""Where Airflow's OpenLineage events go on the volume of the lake, beside those of Spark and dbt."""


@dataclass(frozen=True)
class Stack:
    """A stack with the settings that it was started with."""

    settings: Mapping[str, str]
    """Variables of docker-compose.yml."""

    @property
    def cluster(self) -> bool:
        return self.settings["NIGHTSHIFT_STACK"] == "full"

    @property
    def gpu(self) -> bool:
        return self.settings["NIGHTSHIFT_GPU"] == "yes"

    @property
    def secrets(self) -> Path:
        return Path(self.settings["NIGHTSHIFT_SECRETS"])

    @property
    def home(self) -> Home:
        return Home(Path(self.settings["NIGHTSHIFT_HOME"]))

    @property
    def log(self) -> Path:
        return self.home.logs / "stack.log"

    @property
    def address(self) -> str:
        return f"https://{self.settings['NIGHTSHIFT_HOST']}:{self.settings['NIGHTSHIFT_PORT']}"

    def image(self, name: str) -> str:
        return f"nightshift-{name}:{self.settings['NIGHTSHIFT_RELEASE']}"

    def images(self) -> dict[str, str]:
        """The service that is built as each image, by the image's name."""
        built = {"airflow": "airflow-setup", "worker": "worker", "mlflow": "mlflow", "proxy": "proxy"}
        built |= {"spark": "spark-master"} if self.cluster else {}
        built |= {"worker-gpu": "worker-gpu"} if self.gpu else {}
        return {self.image(name): service for name, service in built.items()}

    @cached_property
    def engine(self) -> list[str]:
        """The words that start compose; found once."""
        return require_docker()

    def compose(self, *words: str) -> list[str]:
        """The command line of compose for this stack."""
        files = ["docker-compose.yml", *["docker-compose.gpu.yml"] * self.gpu]
        command = [*self.engine, "--project-name", self.settings["NIGHTSHIFT_PROJECT"]]
        for file in files:
            command += ["--file", str(REPOSITORY / file)]
        return [*command, *["--profile", "cluster"] * self.cluster, *words]

    def run(self, *words: str) -> None:
        """Run compose; what it says goes to the log.

        Raises:
            NightshiftError: it fails.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a") as stream:
            command = subprocess.run(
                self.compose(*words), env=os.environ | self.settings, check=False, stdout=stream, stderr=stream
            )
        if command.returncode:
            raise NightshiftError(
                expected=f"`compose {words[0]}` to work",
                received=f"status {command.returncode}; it ended with: {_last_line(self.log)}",
                remedy=f"see {self.log}",
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="make up|down|status", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("verb", choices=["up", "down", "status"])
    parser.add_argument("--stack", choices=["full", "core"], help="core: without the Spark cluster")
    parser.add_argument("--host", help="name by which browsers reach this machine")
    parser.add_argument("--port", help="the one port that is published")
    parser.add_argument("--spark-workers", help="how many Spark workers")
    parser.add_argument("--gpu", choices=["yes", "no"], help="yes: train on NVIDIA's GPU")
    parser.add_argument("--town", choices=["yes", "no"], default="no", help="yes: lay the simulated town's deliveries")
    parser.add_argument("--build", choices=["yes", "no"], default="yes", help="no: images are there already")
    options = parser.parse_args()
    stack = Stack(read_settings(Settings.from_env().home, options, os.environ))
    if options.verb == "up":
        up(stack, build=options.build == "yes", town=options.town == "yes")
    elif options.verb == "down":
        stack.run("down", "--remove-orphans")
        print("stopped; lake, models and databases stay in their volumes (docker volume ls)")
    else:
        status(stack)


def read_settings(home: Home, options: argparse.Namespace, environ: Mapping[str, str]) -> dict[str, str]:
    """The command's options, else the environment, else the options of the last start, else the defaults.

    Args:
        home: folder of what the stack keeps on this machine: secrets, raw deliveries, `stack.env`.
    """
    file = home.stack
    settings = {
        "NIGHTSHIFT_PROJECT": "nightshift",
        "NIGHTSHIFT_STACK": "full",
        "NIGHTSHIFT_HOST": "localhost",
        "NIGHTSHIFT_PORT": "8443",
        "NIGHTSHIFT_BIND": "0.0.0.0",
        "NIGHTSHIFT_GPU": "no",
        "NIGHTSHIFT_SPARK_WORKERS": "1",
        "NIGHTSHIFT_SECRETS": str(home.secrets),
        "NIGHTSHIFT_RAW_DIR": str(home.raw),
    }
    if file.exists():
        settings |= dict(line.split("=", 1) for line in file.read_text().splitlines() if line)
    settings |= {name: value for name, value in environ.items() if name.startswith("NIGHTSHIFT_") and value}
    chosen = {"stack": options.stack, "host": options.host, "port": options.port, "gpu": options.gpu}
    chosen["spark_workers"] = options.spark_workers
    settings |= {f"NIGHTSHIFT_{name.upper()}": value for name, value in chosen.items() if value}
    settings.setdefault("NIGHTSHIFT_UID", str(os.getuid() or CONTAINER_USER))
    core = settings["NIGHTSHIFT_STACK"] == "core"
    for name, value in (("NIGHTSHIFT_SPARK_MASTER", "local[*]"), ("NIGHTSHIFT_DBT_TARGET", "duckdb")):
        if core:
            settings[name] = value
        elif settings.get(name) == value:
            del settings[name]
    lineage = settings.setdefault("NIGHTSHIFT_LINEAGE", "file")
    settings["NIGHTSHIFT_LINEAGE_OFF"] = str(lineage == "off").lower()
    settings["NIGHTSHIFT_LINEAGE_TRANSPORT"] = json.dumps(
        {"type": "http", "url": lineage} if lineage.startswith("http") else LINEAGE_FILE
    )
    return settings | {"NIGHTSHIFT_RELEASE": release(), "NIGHTSHIFT_HOME": str(home)}


def release() -> str:
    """What the images are made of, as 12 hex digits."""
    total = hashlib.sha256()
    for part in IMAGE_PARTS:
        for file in sorted((REPOSITORY / part).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                total.update(f"{file.relative_to(REPOSITORY)}\0".encode() + file.read_bytes())
    return total.hexdigest()[:12]


def up(stack: Stack, *, build: bool, town: bool) -> None:
    """Start the stack and wait until it is healthy.

    Raises:
        NightshiftError: something is missing, taken or does not start.
    """
    settings, owner = stack.settings, int(stack.settings["NIGHTSHIFT_UID"])
    stack.engine  # noqa: B018  first of all: everything below asks docker
    require_memory(settings, cluster=stack.cluster)
    if not containers(stack):
        require_port(settings["NIGHTSHIFT_BIND"], settings["NIGHTSHIFT_PORT"])
    make_secrets(stack.secrets, owner)
    raw = Path(settings["NIGHTSHIFT_RAW_DIR"])
    for folder in (raw, stack.home.root):
        folder.mkdir(parents=True, exist_ok=True)
    if os.getuid() == 0 and not any(raw.iterdir()):
        os.chown(raw, owner, -1)
    lines = [f"{name}={value}\n" for name, value in sorted(settings.items())]
    stack.home.stack.write_text("".join(lines))
    stack.log.unlink(missing_ok=True)
    if build:
        say(f"building the images (the first time some ten minutes; see {stack.log})")
        for number, (image, service) in enumerate(stack.images().items(), start=1):
            say(f"  {number} of {len(stack.images())}: {image}")
            stack.run("build", service)
    require_release({image: release_of(image) for image in stack.images()}, settings["NIGHTSHIFT_RELEASE"])
    make_certificate(stack.secrets, stack.image("proxy"), settings["NIGHTSHIFT_HOST"], owner)
    make_page_passwords(stack.secrets, stack.image("proxy"), owner)
    say("starting the services, each once those that it needs are healthy")
    scale = ["--scale", f"spark-worker={settings['NIGHTSHIFT_SPARK_WORKERS']}"] if stack.cluster else []
    stack.run("up", "--detach", "--remove-orphans", *scale)
    if town and any(raw.iterdir()):
        say(f"{raw} has deliveries already: the town is not laid beside them")
    elif town:
        say(f"laying the simulated town in {raw}")
        stack.run("run", "--rm", "--no-deps", "worker", "python", "-m", "sample_data.town")
    say_where(stack)


def say_where(stack: Stack) -> None:
    say(f"Airflow      {stack.address}/airflow/      accounts and passwords: {stack.secrets}/airflow_accounts")
    say(f"MLflow       {stack.address}/              accounts and passwords: {stack.secrets}/mlflow_accounts")
    say(f"TensorBoard  {stack.address}/tensorboard/  with Airflow's accounts")
    say(f"Nights       {stack.address}/nights/       how the last night went; with Airflow's accounts")
    say(f"API          {stack.address}/online/docs   for a shop; keys of callers: secrets/online_callers.json")
    if stack.cluster:
        say(f"Spark        {stack.address}/spark/        with Airflow's accounts")
    say(f"raw deliveries land in {stack.settings['NIGHTSHIFT_RAW_DIR']}; to try the simulated town: make up TOWN=yes")
    say("then switch the DAGs on and trigger nightly_profiles; how the services are: make status")


def containers(stack: Stack) -> list[dict[str, str]]:
    """What docker lists of the stack's containers, ended ones too."""
    project = f"label=com.docker.compose.project={stack.settings['NIGHTSHIFT_PROJECT']}"
    command = ["docker", "ps", "--all", "--filter", project, "--format", "{{json .}}"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in listed.stdout.splitlines()]


def release_of(image: str) -> str:
    form = '{{index .Config.Labels "nightshift.release"}}'
    found = subprocess.run(
        ["docker", "image", "inspect", "--format", form, image], capture_output=True, text=True, check=False
    )
    return found.stdout.strip()


def status(stack: Stack) -> None:
    """Print a line a service; exits with status 1 where one is not well.

    Raises:
        SettingsError: nothing runs.
    """
    rows = containers(stack)
    if not rows:
        raise SettingsError(expected="a stack that runs", received="no container of it", remedy="start it: make up")
    ill = 0
    for row in sorted(rows, key=lambda row: row["Names"]):
        ended_well = row["Status"].startswith("Exited (0)") and "setup" in row["Names"]
        well = ended_well or "(healthy)" in row["Status"]
        ill += not well
        print(f"{'ok ' if well else '-- '} {row['Names']:34} {row['Status']}")
    print(f"{len(rows) - ill} of {len(rows)} well; {stack.address}/airflow/")
    sys.exit(1 if ill else 0)


def say(*words: str) -> None:
    print(*words, flush=True)


def _last_line(log: Path) -> str:
    lines: Sequence[str] = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "nothing"


if __name__ == "__main__":
    exit_with_sentence(main)
