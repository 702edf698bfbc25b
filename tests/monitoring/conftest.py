"""A home of its own for a test."""

from __future__ import annotations

import pytest

from contracts.home import Home


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    monkeypatch.setenv("NIGHTSHIFT_CAMPAIGNS", str(tmp_path / "campaigns"))
    return Home(tmp_path)
