"""How things are broken: deliveries, tables, settings, folders without room, processes that are killed."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import duckdb
import psutil

DAY = "2026-11-19"

WEB, POSTS = "apache_combined", "mastodon"

STARTS_SECONDS = 120.0
"""How long it may take until there is something to kill."""


def raw(home: Path, source: str) -> Path:
    """The folder of the last day's delivery."""
    return home / "raw" / source / f"ds={DAY}"


def files(home: Path, source: str) -> list[Path]:
    """The files of the last day's delivery."""
    return sorted(file for file in raw(home, source).iterdir() if file.is_file())


def only(source: str, name: str, content: bytes) -> Callable[[Path], object]:
    """Let one file be the whole delivery."""

    def prepare(home: Path) -> None:
        for file in files(home, source):
            file.unlink()
        (raw(home, source) / name).write_bytes(content)

    return prepare


def truncated(home: Path) -> None:
    """The delivery as gzip files that end half-way."""
    for file in files(home, WEB):
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        packed = gzip.compress(content)
        file.unlink()
        file.with_suffix(".log.gz").write_bytes(packed[: len(packed) // 2])


def dangling(home: Path) -> None:
    """The delivery as a link to nothing."""
    for file in files(home, WEB):
        file.unlink()
        file.symlink_to(home / "nowhere")


def folder_for_file(home: Path) -> None:
    """A folder where the delivery's file is expected."""
    for file in files(home, WEB):
        file.unlink()
        file.mkdir()


def unreadable(home: Path) -> None:
    raw(home, WEB).chmod(0)


def unreadable_file(home: Path) -> None:
    for file in files(home, WEB):
        file.chmod(0)


def half_broken(home: Path) -> None:
    """Posts of which every second line is cut off."""
    for file in files(home, POSTS):
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        lines = [line[: len(line) // (1 + number % 2)] for number, line in enumerate(content.splitlines())]
        broken = b"\n".join(lines) + b"\n"
        file.write_bytes(gzip.compress(broken) if file.suffix == ".gz" else broken)


def long_line(home: Path) -> None:
    """A line of 100 MB beside the delivery."""
    line = b'203.0.113.7 - - [19/Nov/2026:10:00:00 +0000] "GET /' + b"a" * 100_000_000 + b' HTTP/1.1" 200 1 "-" "-"\n'
    (raw(home, WEB) / "access-long.log").write_bytes(line)


def many_files(home: Path) -> None:
    """The delivery as 10,000 files."""
    for file in files(home, WEB):
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        lines = content.splitlines(keepends=True)
        file.unlink()
    for number in range(10_000):
        part = b"".join(lines[number::10_000]) or lines[0].replace(b"GET /", b"GET /%d/" % number)
        (raw(home, WEB) / f"access-{number:05d}.log").write_bytes(part)


def no_parquet(table: str) -> Callable[[Path], object]:
    """Let every file of the last day of a table be cut in half."""

    def prepare(home: Path) -> None:
        for file in (home / "lake" / table / f"ds={DAY}").glob("*.parquet"):
            content = file.read_bytes()
            file.unlink()
            file.write_bytes(content[: len(content) // 2])

    return prepare


def written(path: str, text: str) -> Callable[[Path], object]:
    """Write a file of the home."""

    def prepare(home: Path) -> None:
        file = home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(text)

    return prepare


def without(*paths: str) -> Callable[[Path], object]:
    """Remove files or folders of the home."""

    def prepare(home: Path) -> None:
        for place in (one for path in paths for one in home.glob(path)):
            place.unlink() if place.is_symlink() or place.is_file() else shutil.rmtree(place)

    return prepare


def mounted(script: str) -> Callable[[Path], Sequence[str]]:
    """Start the command in a namespace with mounts of its own; `$home` is the home."""
    return lambda home: ("unshare", "-rm", "sh", "-ec", f'home="$0"; {script}; exec "$@"', str(home))


def limited_to(size: int) -> Callable[[Path], Sequence[str]]:
    """As in a container that may take so many bytes of memory."""
    script = (
        f"echo {size} > $home/limit; for file in memory.max memory/memory.limit_in_bytes; do "
        "[ ! -e /sys/fs/cgroup/$file ] || mount --bind $home/limit /sys/fs/cgroup/$file; done"
    )
    return mounted(script)


def small(folder: str, kib: int) -> Callable[[Path], Sequence[str]]:
    """A folder that has no more room than so."""
    return mounted(f"mkdir -p {folder}; mount -t tmpfs -o size={kib}k tmpfs {folder}")


read_only = mounted("mount --bind $home $home; mount -o remount,bind,ro $home")


def one_core(_: Path) -> Sequence[str]:
    return "taskset", "--cpu-list", str(min(os.sched_getaffinity(0)))


def as_anybody(_: Path) -> Sequence[str]:
    """Let root read no more than others do."""
    own = ("-dac_override", "-dac_read_search")
    return ("setpriv", "--inh-caps", ",".join(own), "--bounding-set", ",".join(own)) if os.geteuid() == 0 else ()


@contextlib.contextmanager
def lock_held(home: Path) -> Iterator[None]:
    """Another run of resolve is at work."""
    file = home / "lake" / ".locks" / "resolve"
    with file.open("a+") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def warehouse_open(home: Path) -> Iterator[None]:
    """Another process has the warehouse open to write."""
    with duckdb.connect(str(home / "warehouse.duckdb")):
        yield


@contextlib.contextmanager
def stale_application(home: Path) -> Iterator[None]:
    """The file of the night's Spark is held, and nobody listens where it says."""
    file = home / "spark-application.json"
    file.write_text(json.dumps({"machine": platform.node(), "pid": os.getpid(), "port": 9, "secret": "no"}))
    with file.open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def unintelligible_application(home: Path) -> Iterator[None]:
    """The file of the night's Spark is held, and says something else."""
    file = home / "spark-application.json"
    file.write_text('{"port": "none"}')
    with file.open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def application(home: Path) -> Iterator[None]:
    """The night's Spark is at work."""
    at_home = ["env", f"NIGHTSHIFT_HOME={home}", sys.executable]
    serving = subprocess.Popen(
        [*at_home, "-m", "spark_jobs.application", "serve"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    latest = time.monotonic() + STARTS_SECONDS
    while not (home / "spark-application.json").exists() and time.monotonic() < latest:
        time.sleep(0.1)
    yield
    serving.terminate()
    serving.wait()


def when(
    found: Callable[[psutil.Process, Path], psutil.Process | None], signal_number: int = signal.SIGKILL
) -> Callable[[psutil.Process, Path], None]:
    """Send a signal to what is found, as soon as it is."""

    def meanwhile(process: psutil.Process, home: Path) -> None:
        latest = time.monotonic() + STARTS_SECONDS
        while time.monotonic() < latest and process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            with contextlib.suppress(psutil.NoSuchProcess):
                if one := found(process, home):
                    one.send_signal(signal_number)
                    return
            time.sleep(0.05)

    return meanwhile


def child_named(process: psutil.Process, word: str) -> psutil.Process | None:
    for child in process.children(recursive=True):
        if word in " ".join(child.cmdline()):
            return child
    return None


def at_work(home: Path) -> bool:
    """Whether a job of Spark has begun to write."""
    return any((home / "lake" / ".runs" / ".staging").glob("*map-*/**/*.parquet"))


def java_at_work(process: psutil.Process, home: Path) -> psutil.Process | None:
    return child_named(process, "SparkSubmit") if at_work(home) else None


def command_at_work(process: psutil.Process, home: Path) -> psutil.Process | None:
    if not at_work(home):
        return None
    return process if "spark_jobs.main" in " ".join(process.cmdline()) else child_named(process, "spark_jobs.main")


def java_of_the_night(_: psutil.Process, home: Path) -> psutil.Process | None:
    return child_named(psutil.Process(), "SparkSubmit") if at_work(home) else None


def executor_at_work(process: psutil.Process, home: Path) -> psutil.Process | None:
    return child_named(process, "CoarseGrainedExecutorBackend") if at_work(home) else None


def dbt_at_work(process: psutil.Process, _: Path) -> psutil.Process | None:
    return child_named(process, "dbt_project.runner.parsed")
