"""The fixtures of tests that run Spark: one session for all of them, and homes that no other test uses."""

from __future__ import annotations

import pytest

from contracts.settings import Settings
from spark_jobs.session import INTERPRETED, start_session
from tests.spark_jobs.feeds_by_hand import settings_in

INTERPRETING = [part for name, value in INTERPRETED.items() for part in ("--conf", f"{name}={value}")]
"""What interprets queries, as options of `spark-submit`."""


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory):
    session = start_session(settings_in(tmp_path_factory.mktemp("spark")), "tests")
    for name, value in INTERPRETED.items():
        session.conf.set(name, value)
    yield session
    session.stop()


@pytest.fixture
def settings(tmp_path, spark) -> Settings:  # noqa: ARG001  the jobs find the running session by themselves
    """Settings for a home that no other test uses."""
    return settings_in(tmp_path)
