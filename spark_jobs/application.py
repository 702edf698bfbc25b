"""The Spark application that a night's commands share on one machine: a process that keeps Java warm for them.

`start` leaves it running in the background and comes back when it can be used; `stop` ends it. The commands of Spark
find it by themselves, each with a session of its own; jobs of a command that was killed are cancelled. It ends by
itself where nobody has used it for a quarter of an hour, or its home is gone. On a cluster there is none.

    python -m spark_jobs.application start --ds 2026-11-19
    python -m spark_jobs.application stop
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import signal
import subprocess
import sys
import threading
import time

from py4j.protocol import Py4JError
from pyspark import SparkContext

from contracts.arguments import day
from contracts.entry_point import exit_with_sentence
from contracts.lake import Lake
from contracts.raw import landed_days, landed_sources
from contracts.report import say
from contracts.settings import REPOSITORY, Settings
from contracts.spark_application import SparkApplication, on_one_machine
from spark_jobs.session import TAG, start_session
from spark_jobs.spark_errors import JavaHasEnded

LOOKS_SECONDS = 1.0
"""How often it looks after those who use it."""

UNUSED_SECONDS = 900.0
STARTS_SECONDS = 180.0
STOPS_SECONDS = 30.0


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m spark_jobs.application",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=("start", "stop", "serve"), help="serve: stay in the foreground")
    parser.add_argument("--ds", type=day, metavar="YYYY-MM-DD", help="the day that will be mapped: Java is made ready")
    options = parser.parse_args()
    settings = Settings.from_env()
    if options.command == "start":
        start(settings, options.ds)
    elif options.command == "stop":
        stop(settings)
    else:
        serve(settings, options.ds)


def start(settings: Settings, ds: str | None) -> None:
    """Start the application of a home in the background, unless it runs.

    Raises:
        JavaHasEnded: it did not start; its log says why.
    """
    if not on_one_machine(settings.spark_master):
        say("spark: on a cluster each command has an application of its own")
        return
    if SparkApplication.running(settings.home):
        say("spark: its application runs already")
        return
    log = settings.home.logs / "spark.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "spark_jobs.application", "serve", *(["--ds", ds] if ds else [])]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True
        )
    latest = time.monotonic() + STARTS_SECONDS
    while not SparkApplication.running(settings.home):
        if process.poll() is not None or time.monotonic() > latest:
            process.kill()
            raise JavaHasEnded(
                expected=f"Spark to start within {STARTS_SECONDS:.0f} s",
                received="nothing" if process.returncode is None else f"exit status {process.returncode}",
                remedy=f"see {log}",
            )
        time.sleep(0.1)


def stop(settings: Settings) -> None:
    """End the application of a home, if one runs."""
    application = SparkApplication.running(settings.home)
    if application is None:
        return
    os.kill(application.pid, signal.SIGTERM)
    latest = time.monotonic() + STOPS_SECONDS
    while SparkApplication.running(settings.home):
        if time.monotonic() > latest:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(application.pid, signal.SIGKILL)
            return
        time.sleep(0.1)


def serve(settings: Settings, ds: str | None) -> None:
    """Keep Spark until a SIGTERM, or until nobody needs it any more."""
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    context = start_session(settings, "night", raw_bytes=_bytes_to_map(settings, ds)).sparkContext
    java = context._gateway.java_parameters
    own = SparkApplication(platform.node(), os.getpid(), java.port, java.auth_token)
    own.announce(settings.home)
    while not stopped.wait(LOOKS_SECONDS) and SparkApplication.running(settings.home) == own:
        active = _cancel_orphans(context)
        unused = time.time() - settings.home.spark_application.stat().st_mtime
        if not active and unused > UNUSED_SECONDS:
            break
    if SparkApplication.running(settings.home) == own:
        settings.home.spark_application.unlink(missing_ok=True)
    context.stop()


def _cancel_orphans(context: SparkContext) -> int:
    """Cancel the jobs of processes that are gone; returns the number of all that are at work."""
    scala = context._jsc.sc()
    jobs = list(scala.statusTracker().getActiveJobIds())
    for job in jobs:
        with contextlib.suppress(Py4JError):  # it has ended meanwhile, and is forgotten
            for tag in scala.statusStore().job(job).jobTags().mkString(",").split(","):
                if tag.startswith(TAG) and not _is_alive(int(tag.removeprefix(TAG))):
                    context.cancelJobsWithTag(tag)
    return len(jobs)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _bytes_to_map(settings: Settings, ds: str | None) -> int:
    """Of the files of a day, and of those before it that no lake has; packed ones as they lie there."""
    if ds is None:
        return 0
    mapped = set(Lake(settings.home.lake).days("reconciliation"))
    folders = (
        settings.raw / source / f"ds={landed}"
        for source in landed_sources(settings.raw)
        for landed in landed_days(settings.raw, source)
        if landed == ds or (landed < ds and landed not in mapped)
    )
    return sum(file.stat().st_size for folder in folders for file in folder.iterdir() if file.is_file())


if __name__ == "__main__":
    exit_with_sentence(main)
