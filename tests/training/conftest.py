import pytest

from tests.homes import copied_home


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
