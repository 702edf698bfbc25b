"""The entry point as a stranger meets it: help that teaches, and one sentence with an exit status."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from contracts.settings import REPOSITORY
from tests.spark_jobs.feeds_by_hand import DAY, deliver, post, settings_in

MAIN = REPOSITORY / "spark_jobs" / "main.py"


def run(*arguments: str, home, program: tuple[str, ...] = (sys.executable,)) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*program, str(MAIN), *arguments],
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
    ("arguments", "said"),
    [
        (["map", "--source", "mastodon", "--ds", "yesterday"], "expected a day as YYYY-MM-DD, received 'yesterday'"),
        (["resolve", "--ds", "2026-02-30"], "expected a day as YYYY-MM-DD, received '2026-02-30'"),
        (["map", "--ds", DAY], "--source"),
        ([], "map|resolve"),
    ],
)
def test_wrong_arguments_are_explained(tmp_path, arguments, said):
    done = run(*arguments, home=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr


def test_an_error_is_one_sentence_and_exit_status_2_through_spark_submit(tmp_path):
    deliver(settings_in(tmp_path), "mastodon", "statuses.jsonl", [post("1")], ds="2026-11-01")
    done = run("map", "--source", "mastodon", "--ds", DAY, home=tmp_path, program=("spark-submit",))
    assert done.returncode == 2
    said = done.stdout + done.stderr  # spark-submit itself sends what its program says on stderr to stdout
    [sentence] = [line for line in said.splitlines() if line.startswith("nightshift: error: ")]
    assert f"expected a delivery of mastodon for {DAY}" in sentence
    assert "only the days 2026-11-01 to 2026-11-01" in sentence
    assert "Traceback" not in said


def test_an_unknown_source_is_one_sentence_on_stderr(tmp_path):
    done = run("map", "--source", "mastodont", "--ds", DAY, home=tmp_path)
    assert done.returncode == 2
    assert "did you mean 'mastodon'?" in done.stderr
    assert "Traceback" not in done.stderr
