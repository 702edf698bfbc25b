"""The entry point as a stranger meets it: help that teaches, and one sentence with an exit status."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from contracts.settings import REPOSITORY
from tests.spark_jobs.feeds_by_hand import DAY, deliver, post, settings_in

MAIN = REPOSITORY / "spark_jobs" / "main.py"


def run(*arguments: str, home) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(MAIN), *arguments],
        env=os.environ | {"NIGHTSHIFT_HOME": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "taught"),
    [
        (["--help"], ["map", "resolve", "examples:", "NIGHTSHIFT_", "spark-submit"]),
        (["map", "--help"], ["--source", "mastodon", "--ds", "YYYY-MM-DD"]),
        (["resolve", "--help"], ["--ds", "YYYY-MM-DD"]),
    ],
    ids=["main", "map", "resolve"],
)
def test_help_teaches(tmp_path, arguments, taught):
    done = run(*arguments, home=tmp_path)
    assert done.returncode == 0
    assert [word for word in taught if word not in done.stdout] == []
    assert list(tmp_path.iterdir()) == [], "nothing happens"


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["map", "--source", "mastodon", "--ds", "yesterday"], "expected a day as YYYY-MM-DD, received 'yesterday'"),
        (["resolve", "--ds", "2026-02-30"], "expected a day as YYYY-MM-DD, received '2026-02-30'"),
        (["map", "--ds", DAY], "--source"),
        ([], "map|try|resolve"),
    ],
)
def test_wrong_arguments_are_explained(tmp_path, arguments, output):
    done = run(*arguments, home=tmp_path)
    assert done.returncode == 2
    assert output in done.stderr


STARTING_FAST = [
    "--driver-java-options",
    "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xss4m",
    "--conf",
    "spark.ui.enabled=false",
]
"""What ops/spark says of speed, without what it says of the log."""

FAILING = """
import sys
sys.path.insert(0, {root!r})
from spark_jobs import main
from contracts.entry_point import exit_with_sentence
from spark_jobs.mapping import job

bundled = job.load_spec("movietweetings")
mapping = bundled.translated(lambda sql: sql.replace("try_cast(stars as int)", "cast(stars as int)"))
assert mapping != bundled
job.load_spec = lambda _: mapping
exit_with_sentence(main.main)
"""
"""The entry point, with a mapping that does not hold for every value."""


def test_an_error_of_spark_is_one_sentence_through_spark_submit_and_shows_no_value(tmp_path):
    """With Spark's own configuration, whose log quotes the value in a trace of Java."""
    program = tmp_path / "failing.py"
    program.write_text(FAILING.format(root=str(REPOSITORY)))
    deliver(settings_in(tmp_path), "movietweetings", "ratings.dat", ["2::1::anna@example.org::1381006850"], ds=DAY)
    environment = {name: value for name, value in os.environ.items() if name != "SPARK_CONF_DIR"}
    done = subprocess.run(
        ["spark-submit", *STARTING_FAST, str(program), "map", "--source", "movietweetings", "--ds", DAY],
        env=environment | {"NIGHTSHIFT_HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 2
    output = done.stdout + done.stderr  # spark-submit itself sends what its program says on stderr to stdout
    [sentence] = [line for line in output.splitlines() if line.startswith("nightshift: error: ")]
    assert "[CAST_INVALID_INPUT]" in sentence
    assert "anna" not in output
    assert "Traceback" not in output


def test_a_day_that_has_not_landed_is_one_sentence_and_exit_status_2(tmp_path):
    deliver(settings_in(tmp_path), "mastodon", "statuses.jsonl", [post("1")], ds="2026-11-01")
    done = run("map", "--source", "mastodon", "--ds", DAY, home=tmp_path)
    assert done.returncode == 2
    [sentence] = done.stderr.splitlines()
    assert f"expected a delivery of mastodon for {DAY}" in sentence
    assert "only the days 2026-11-01 to 2026-11-01" in sentence


def test_a_java_that_does_not_start_is_one_sentence_and_its_words_stand_in_a_log(tmp_path, monkeypatch):
    settings = settings_in(tmp_path)
    deliver(settings, "mastodon", "statuses.jsonl", [post("1")], ds=DAY)
    java = tmp_path / "jre" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\necho 'WARNING: Using incubator modules'\necho 'no room for a heap' >&2\nexit 1\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jre"))
    done = run("map", "--source", "mastodon", "--ds", DAY, home=tmp_path)
    assert done.returncode == 2
    [sentence] = done.stderr.splitlines()
    assert "Java 17 or newer (JAVA_HOME" in sentence
    assert "NIGHTSHIFT_SPARK_DRIVER_MEMORY" in sentence
    assert "but received no room for a heap;" in sentence
    log = settings.home.logs / "java.log"
    assert str(log) in sentence
    assert "no room for a heap" in log.read_text()


def test_an_unknown_source_is_one_sentence_on_stderr(tmp_path):
    done = run("map", "--source", "mastodont", "--ds", DAY, home=tmp_path)
    assert done.returncode == 2
    assert "did you mean 'mastodon'?" in done.stderr
    assert "Traceback" not in done.stderr
