import pytest

from tests.homes import copied_home
from tests.training.markov_town import DS, SMALL_CONFIG, build_town


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory):
    """A town whose model was trained once: version 1 is the challenger, there is no champion."""
    from training.train import train

    home = tmp_path_factory.mktemp("trained")
    build_town(home)
    (home / "small.yml").write_text(SMALL_CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTSHIFT_HOME", str(home))
        train("next_item", DS, home / "small.yml")
    return home


@pytest.fixture
def own_home(trained_home, tmp_path, monkeypatch):
    """A copy of that town, for a test that changes it."""
    home = copied_home(trained_home, tmp_path / "home")
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(home))
    return home


@pytest.fixture
def home(trained_home, monkeypatch):
    """That town itself, for tests that only look at it."""
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(trained_home))
    return trained_home
