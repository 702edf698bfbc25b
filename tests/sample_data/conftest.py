"""A small town on disk, made once for all tests."""

from __future__ import annotations

import json

import pytest

from sample_data.town import make_town
from tests.sample_data.town_on_disk import SMALL, Laid, settings_in


@pytest.fixture(scope="session")
def small_town(tmp_path_factory: pytest.TempPathFactory) -> Laid:
    settings = settings_in(tmp_path_factory.mktemp("town"))
    assert make_town(settings, SMALL)
    return Laid(settings, json.loads((settings.home.truth / "town.json").read_text()))
