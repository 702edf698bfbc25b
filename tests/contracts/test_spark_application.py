"""Commands find the Spark application of their home while it runs, and no other."""

from __future__ import annotations

import os
import platform

from contracts.home import Home
from contracts.spark_application import SparkApplication


def test_it_is_found_while_it_runs_and_on_its_machine_only(tmp_path):
    home = Home(tmp_path)
    assert SparkApplication.running(home) is None
    own = SparkApplication(platform.node(), os.getpid(), 25333, "a word")
    descriptor = own.announce(home)
    assert SparkApplication.running(home) == own
    assert home.spark_application.stat().st_mode & 0o777 == 0o600
    os.close(descriptor)
    assert SparkApplication.running(home) is None, "its process has ended"
    descriptor = SparkApplication("elsewhere", os.getpid(), 25333, "a word").announce(home)
    assert SparkApplication.running(home) is None, "a shared folder shows it, and its port is another machine's"
    os.close(descriptor)


def test_a_file_that_is_no_longer_whole_is_none(tmp_path):
    home = Home(tmp_path)
    descriptor = SparkApplication(platform.node(), os.getpid(), 25333, "a word").announce(home)
    for text in ("{", '{"port": "none"}', "[]"):
        home.spark_application.write_text(text)
        assert SparkApplication.running(home) is None
    os.close(descriptor)
