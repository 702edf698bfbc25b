"""`main.py try`: what a mapping makes of one file, without a night."""

from __future__ import annotations

import pytest

from contracts.errors import MappingError, RawDataError
from spark_jobs.mapping.trial import try_mapping
from tests.spark_jobs.feeds_by_hand import DAY, deliver, log_line


def test_it_shows_rows_books_and_notes_and_writes_nothing(settings, tmp_path, capsys):
    elsewhere = tmp_path / "mine" / "access.log"
    elsewhere.parent.mkdir()
    amount = "/checkout/complete?item=i-1&amount="
    lines = [log_line(f"{amount}9.50"), log_line(f"{amount}much"), log_line(f"{amount}-1"), "no line of a log"]
    elsewhere.write_text("".join(f"{line}\n" for line in lines))
    try_mapping(settings, "apache_combined", elsewhere, ds=DAY, rows=3)
    shown = capsys.readouterr().out
    assert "events: the first 3 rows" in shown
    assert "i-1" in shown
    assert "  rows:    read 4 = mapped 2 + quarantined 2 (contract: events.value 1, malformed 1) + dropped 0" in shown
    assert "  records: read 3 = mapped 2 + quarantined 1 (contract: events.value 1) + dropped 0" in shown
    assert "  uncast: events.value: 1 of 3 that were there" in shown
    assert "** **** ** * ***" in shown
    assert not settings.home.lake.exists()
    assert not settings.home.secrets.exists()


def test_a_day_that_a_night_would_refuse_is_shown_and_then_refused(settings, capsys):
    file = deliver(settings, "apache_combined", "access.log", ["no line of a log"] * 3)
    with pytest.raises(RawDataError, match="3 of 3 that do not"):
        try_mapping(settings, "apache_combined", file, ds=None, rows=3)
    assert "rows:    read 3 = mapped 0 + quarantined 3 (malformed 3)" in capsys.readouterr().out


def test_a_file_that_a_night_would_not_read_is_refused(settings, tmp_path):
    with pytest.raises(RawDataError, match="expected a file, but received"):
        try_mapping(settings, "apache_combined", tmp_path / "access.log", ds=DAY, rows=3)
    (tmp_path / "other.txt").write_text("x")
    with pytest.raises(MappingError, match=r"expected a file named access\*\.log\*"):
        try_mapping(settings, "apache_combined", tmp_path / "other.txt", ds=DAY, rows=3)
