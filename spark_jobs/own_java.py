"""Java, where a command starts it for itself: its words go to a log below home, and its end is told in a sentence.

Spark's Java writes log lines, and the traces of what it has not caught, where it was started. Of a command a user sees
what the command says; the rest stands in `<home>/logs/java.log`.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Iterable, Mapping

from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkRuntimeError
from pyspark.java_gateway import launch_gateway

from contracts.errors import SettingsError
from contracts.settings import Settings

KEPT_BYTES = 1 << 20
"""A log above this size begins again."""

OUT_OF_MEMORY = 52
"""Spark's exit status of a process whose memory has run out."""

_ENDS_SECONDS = 5.0
"""How long a Java that no longer answers may take to end."""

_OF_NO_INTEREST = ("WARNING: Using incubator modules", "Setting default log level", "To adjust logging level")
_OF_NO_INTEREST += ("Error occurred during initialization of VM",)
"""What a Java says that starts well, and what says nothing."""

_MOST_SIGNS = 200


def launch(settings: Settings, java: Mapping[str, str]) -> None:
    """Start Java with these settings of Spark, unless this process has one.

    Raises:
        SettingsError: it did not start.
    """
    if SparkContext._gateway is not None:
        return
    log = settings.home.logs / "java.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > KEPT_BYTES:
        log.unlink()
    conf = SparkConf(loadDefaults=False)
    for name, value in java.items():
        conf.set(name, value)
    with log.open("ab") as stream:
        begins = stream.tell()
        try:
            gateway = launch_gateway(conf, {"stdout": stream, "stderr": stream})
        except PySparkRuntimeError as error:
            with log.open("rb") as words:
                words.seek(begins)
                said = words.read().decode(errors="replace").splitlines()
            raise SettingsError(
                expected=f"Java 17 or newer (JAVA_HOME, or java on the PATH) to start with "
                f"{settings.spark_driver_memory} (NIGHTSHIFT_SPARK_DRIVER_MEMORY; by default a third of "
                "NIGHTSHIFT_MEMORY)",
                received=first_complaint(said) or "nothing but its end",
                remedy=f"correct what it names; the rest of what it said stands in {log}",
                origin=error,
            ) from None
    SparkContext._ensure_initialized(gateway=gateway)


def first_complaint(lines: Iterable[str]) -> str:
    """The first line that says why a Java did not start."""
    for line in map(str.strip, lines):
        if line and not line.startswith(_OF_NO_INTEREST):
            return line.removeprefix('Exception in thread "main" ')[:_MOST_SIGNS]
    return ""


def end_of_java() -> int | None:
    """How the Java of this process has ended: its exit status, minus a signal's number; None where that is not known.

    One of another process is not known of, nor one that is still there.
    """
    process: subprocess.Popen | None = getattr(SparkContext._gateway, "proc", None)
    if process is None:
        return None
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.wait(_ENDS_SECONDS)
    return None


def how_it_ended(status: int | None) -> str:
    """An end in words."""
    if status is None or status == 0:
        return "none, as it has ended or lost its connection"
    if status < 0:
        return f"none, as {signal.Signals(-status).name} has ended it"
    return f"none, as it has ended with status {status}"
