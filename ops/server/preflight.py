"""What has to be true of a machine before the stack starts: each failure is one sentence."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping

from contracts.errors import SettingsError
from ops.ports import require_free

_UNITS = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}

EXECUTOR_BYTES = 1500 * 2**20
"""`spark.executor.memory` of docker/spark/spark-defaults.conf."""

EXECUTOR_OVERHEAD = 384 * 2**20
"""What Spark adds to it at least."""


def size_in_bytes(name: str, text: str) -> int:
    """Bytes of a size as docker writes it, for example `1500m`.

    Raises:
        SettingsError: it is no size.
    """
    match = re.fullmatch(r"(\d+)([bkmgt]?)", text.strip().lower())
    if match is None:
        raise SettingsError(
            expected=f"a size such as 4g or 512m in {name}", received=repr(text), remedy="correct it or unset it"
        )
    return int(match[1]) * _UNITS[match[2]]


def require_docker() -> list[str]:
    """The words that start compose, once docker has answered.

    Raises:
        SettingsError: there is no docker, it does not answer, or it has no compose.
    """
    remedy = "install it (Debian: apt-get install docker.io docker-compose) and let this user reach it (group docker)"
    if shutil.which("docker") is None:
        raise SettingsError(expected="docker on this machine", received="no command of that name", remedy=remedy)
    answer = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    if answer.returncode:
        last = (answer.stderr.strip() or "no answer").splitlines()[-1]
        raise SettingsError(expected="a docker engine that answers", received=last, remedy=remedy)
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    raise SettingsError(expected="docker compose, version 2 or 1.29", received="neither", remedy=remedy)


def require_port(address: str, port: str) -> None:
    """Raise SettingsError when the stack's port is taken, or is no port."""
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise SettingsError(
            expected="a port from 1 to 65535", received=repr(port), remedy="name it with `make up PORT=8443`"
        )
    require_free(address, int(port), remedy="stop what listens there, or name another with `make up PORT=`")


def require_memory(settings: Mapping[str, str], *, cluster: bool) -> None:
    """Raise SettingsError when Spark would never start, or the containers could fill more than the machine has.

    Args:
        settings: what the compose file is answer.
        cluster: whether the Spark cluster is started too.
    """
    if cluster:
        name = "NIGHTSHIFT_SPARK_WORKER_MEMORY"
        size = size_in_bytes(name, settings.get(name, "4g"))
        if size < EXECUTOR_BYTES + EXECUTOR_OVERHEAD:
            raise SettingsError(
                expected=f"{name} of at least {(EXECUTOR_BYTES + EXECUTOR_OVERHEAD) / 2**30:.1f} GiB, for one executor",
                received=f"{size / 2**30:.1f} GiB, on which no executor would ever start",
                remedy="raise it, or lower spark.executor.memory in docker/spark/spark-defaults.conf",
            )
    needed = 12 if cluster else 8
    answer = subprocess.run(["docker", "info", "--format", "{{json .}}"], capture_output=True, text=True, check=True)
    there = json.loads(answer.stdout)["MemTotal"] / 2**30
    if there < needed:
        raise SettingsError(
            expected=f"{needed} GiB of memory for {'the whole stack' if cluster else 'the core'}",
            received=f"{there:.1f} GiB",
            remedy="give the machine more" + (", or start the core with `make up STACK=core`" if cluster else ""),
        )


def require_release(images: Mapping[str, str], release: str) -> None:
    """Raise SettingsError when an image was made from other code than this.

    Args:
        images: name of each image to the label `nightshift.release` it carries, empty where it is missing.
    """
    for image, found in images.items():
        if found != release:
            raise SettingsError(
                expected=f"image {image} of release {release}, the code in this folder",
                received=f"release {found}" if found else "no such image",
                remedy="run `make up` without BUILD=no, or check out the code that the images were made from",
            )
