"""A new home folder for each test that asks for one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from contracts.settings import Settings
from tests.dbt_project.tiny_lake import TinyHome


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], TinyHome]:
    """Make an empty home folder."""

    def make() -> TinyHome:
        return TinyHome(Settings.from_env({"NIGHTSHIFT_HOME": str(tmp_path_factory.mktemp("home"))}))

    return make
