"""What a run used is that of all its processes, of those that have ended as well."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil

from contracts.home import Home
from contracts.spark_application import SparkApplication
from ops.usage import Usage

BUSY = """
import time
block = bytearray(80 << 20)
while time.process_time() < 1.5:
    pass
"""


def test_memory_and_cpu_of_a_command_count_after_it_has_ended(tmp_path):
    with Usage(Home(tmp_path)) as usage:
        subprocess.run([sys.executable, "-c", BUSY], check=True)
    assert usage.peak_bytes > psutil.Process().memory_full_info().pss + (60 << 20)
    assert 0.5 < usage.cpu_seconds < 10


def test_the_spark_of_the_home_counts_whoever_started_it_but_not_what_it_used_before(tmp_path):
    home = Home(tmp_path)
    detached = subprocess.run(
        ["sh", "-c", 'setsid "$0" -c "$1" >/dev/null 2>&1 & echo $!', sys.executable, BUSY + "time.sleep(9)"],
        capture_output=True,
        text=True,
        check=True,
    )
    pid = int(detached.stdout)
    descriptor = SparkApplication(os.uname().nodename, pid, 1, "a word").announce(home)
    try:
        with Usage(home) as usage:
            subprocess.run(["sleep", "1.2"], check=True)
        assert usage.peak_bytes > psutil.Process().memory_full_info().pss + (60 << 20)
        assert 0.2 < usage.cpu_seconds < 2.5
    finally:
        os.close(descriptor)
        os.kill(pid, 9)
