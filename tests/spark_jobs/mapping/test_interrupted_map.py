"""Jobs that are killed in mid-write, and two of them at once: the lake never shows a mixture."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.errors import BusyError
from contracts.lake import Lake
from contracts.settings import REPOSITORY
from contracts.spark_application import SparkApplication
from spark_jobs.mapping.job import map_source
from tests.spark_jobs.feeds_by_hand import DAY, books, deliver, digests, settings_in

SOURCE, FILE = "movietweetings", "ratings.dat"
"""The shortest mapping that writes several tables: how a job ends does not depend on what it maps."""
MANY = [f"{1_000 + number % 100}::{number}::8::1381006850" for number in range(500)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, spark):  # noqa: ARG001
    """A lake in which one job mapped the delivery MANY; its key is the others' too."""
    settings = settings_in(tmp_path_factory.mktemp("undisturbed"))
    deliver(settings, SOURCE, FILE, MANY)
    map_source(settings, SOURCE, DAY)
    return settings


@pytest.fixture
def disturbed(tmp_path, undisturbed):
    """A lake of its own under the same key."""
    return settings_in(tmp_path, pseudonym_key_file=str(undisturbed.pseudonym_key_file))


def environment(settings) -> dict[str, str]:
    return os.environ | {
        "NIGHTSHIFT_HOME": str(settings.home),
        "NIGHTSHIFT_PSEUDONYM_KEY_FILE": str(settings.pseudonym_key_file),
        "NIGHTSHIFT_SPARK_MASTER": "local[2]",
    }


def start_map(settings) -> subprocess.Popen:
    """A map job of the day as Airflow starts it, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "spark_jobs.main", "map", "--source", SOURCE, "--ds", DAY],
        env=environment(settings),
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@contextmanager
def shared_application(settings) -> Iterator[None]:
    command = [sys.executable, "-m", "spark_jobs.application"]
    subprocess.run([*command, "start"], env=environment(settings), cwd=REPOSITORY, check=True)
    assert SparkApplication.running(settings.home)
    try:
        yield
    finally:
        subprocess.run([*command, "stop"], env=environment(settings), cwd=REPOSITORY, check=True)
    assert not SparkApplication.running(settings.home)
    assert not settings.home.spark_application.exists()


def files_below(folder: Path) -> set[Path]:
    """All files below a folder from which another process removes some meanwhile."""
    return {Path(place) / name for place, _, names in os.walk(folder) for name in names}


def kill(process: subprocess.Popen) -> None:
    """kill -9 of the job and of everything that it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)


@pytest.mark.long
def test_a_killed_map_leaves_the_old_partitions_and_a_rerun_is_clean(disturbed, undisturbed):
    settings = disturbed
    deliver(settings, SOURCE, FILE, ["1::2::8::1381006850"])
    map_source(settings, SOURCE, DAY)
    before = digests(settings)
    deliver(settings, SOURCE, FILE, MANY)

    staging = settings.home.lake / ".runs" / ".staging" / f"map-{SOURCE}"
    staged_before = files_below(staging)
    with shared_application(settings):
        process = start_map(settings)
        try:
            deadline = time.monotonic() + 150
            # the job empties its staging folder first, so files that were not there before are its own
            while not files_below(staging) - staged_before:
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline, "the job has written nothing"
                time.sleep(0.005)
        finally:
            kill(process)
        assert process.returncode == -signal.SIGKILL
        assert files_below(staging) - staged_before, "it was killed in mid-write"
        assert digests(settings) == before
        assert books(settings, SOURCE) == {"read": 1, "mapped": 1}

        again = start_map(settings)
        words, _ = again.communicate(timeout=150)
        assert again.returncode == 0, words
    assert books(settings, SOURCE) == {"read": 500, "mapped": 500}
    assert digests(settings) == digests(undisturbed) != before
    assert sorted(path.name for path in (settings.home.lake / "events").iterdir()) == [f"ds={DAY}"]
    assert not any(staging.rglob("*.parquet"))


def test_a_second_run_of_a_source_is_refused_while_the_first_is_at_work(settings):
    deliver(settings, SOURCE, FILE, ["1::2::8::1381006850"])
    with Lake(settings.home.lake).lock(f"map-{SOURCE}"), pytest.raises(BusyError) as error:
        map_source(settings, SOURCE, DAY)
    assert f"expected to be the only run of 'map-{SOURCE}'" in str(error.value)
    assert f"process {os.getpid()} since" in str(error.value)
    assert "nothing was changed" in str(error.value)
    assert error.value.exit_code == 75
    assert not (settings.home.lake / "events").exists()


@pytest.mark.long
def test_two_jobs_of_one_day_at_once_never_mix(disturbed, undisturbed):
    deliver(disturbed, SOURCE, FILE, MANY)
    both = [start_map(disturbed), start_map(disturbed)]
    try:
        ended = [(process.communicate(timeout=200), process.returncode) for process in both]
    finally:
        for process in both:
            if process.poll() is None:
                kill(process)
    codes = sorted(code for _, code in ended)
    assert codes in ([0, 75], [0, 0]), ended
    if codes == [0, 75]:
        [(said, _)] = [streams for streams, code in ended if code == 75]
        assert f"expected to be the only run of 'map-{SOURCE}'" in said
    assert digests(disturbed) == digests(undisturbed)
