"""What every entry point shares: days as arguments, raw folders by day."""

from __future__ import annotations

import argparse

import pytest

from contracts.arguments import day
from contracts.raw import landed_days, landed_sources, newest_day


def test_a_day_is_a_day_and_anything_else_is_explained():
    assert day("2026-02-28") == "2026-02-28"
    for text in ("2026-02-30", "tomorrow", "", "19.11.2026"):
        with pytest.raises(argparse.ArgumentTypeError, match="expected a day as YYYY-MM-DD"):
            day(text)


def test_landed_days_are_folders_named_by_a_day(tmp_path):
    for place in ("web/ds=2026-11-19", "web/ds=2026-11-02", "web/ds=soon", "mail/ds=2026-11-20", "notes/other"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "web" / "ds=2026-11-30").write_text("a file is no delivery")
    assert landed_days(tmp_path, "web") == ["2026-11-02", "2026-11-19"]
    assert landed_sources(tmp_path) == ["mail", "web"]
    assert newest_day(tmp_path) == "2026-11-20"
    assert newest_day(tmp_path / "nothing") is None
