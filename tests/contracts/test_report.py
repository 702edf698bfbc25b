"""Fragments of the run report, and their merge."""

from __future__ import annotations

import json

import pytest

from contracts.report import PROGRESS_MARK, Report, say

DAY = "2026-11-19"


@pytest.fixture
def report(tmp_path) -> Report:
    return Report(tmp_path, DAY)


def test_the_merge_adds_seconds_of_one_step_and_keeps_the_others(report):
    report.write("map-web", {"seconds": {"map": 1.25}})
    report.write("map-mail", {"seconds": {"map": 2.5}})
    report.write("resolve", {"seconds": {"resolve": 4.0}, "persons": 7})
    assert report.merge() == {"ds": DAY, "seconds": {"map": 3.75, "resolve": 4.0}, "persons": 7}


def test_the_merge_goes_into_nested_dictionaries(report):
    report.write("a", {"sources": {"web": {"read": 3, "dropped": {"bot": 1}}}, "list": [1]})
    report.write("b", {"sources": {"mail": {"read": 5}, "web": {"dropped": {"duplicate": 2}}}, "list": [2]})
    merged = report.merge()
    assert merged["sources"] == {
        "web": {"read": 3, "dropped": {"bot": 1, "duplicate": 2}},
        "mail": {"read": 5},
    }
    assert merged["list"] == [2], "what is no dictionary is replaced, in the order of the names"


def test_the_merged_report_is_the_file_and_merging_twice_changes_nothing(report, tmp_path):
    report.write("a", {"seconds": {"map": 1.0}, "title": "Zoë"})
    merged = report.merge()
    assert json.loads((tmp_path / f"nightly-{DAY}.json").read_text()) == merged
    assert "Zoë" in report.file.read_text()
    assert report.merge() == merged


def test_a_step_that_runs_again_replaces_its_fragment(report):
    report.write("map-web", {"seconds": {"map": 9.0}, "sources": {"web": {"read": 1, "old": True}}})
    report.write("map-web", {"seconds": {"map": 1.0}, "sources": {"web": {"read": 2}}})
    assert report.merge() == {"ds": DAY, "seconds": {"map": 1.0}, "sources": {"web": {"read": 2}}}


def test_a_report_without_fragments_is_empty_and_nights_do_not_mix(report, tmp_path):
    Report(tmp_path, "2026-11-18").write("map-web", {"persons": 1})
    assert report.merge() == {"ds": DAY, "seconds": {}}


def test_clearing_forgets_the_night_and_no_other(report, tmp_path):
    other = Report(tmp_path, "2026-11-18")
    for one in (report, other):
        one.write("resolve", {"persons": 3})
    report.clear()
    report.clear()
    assert "persons" not in report.merge()
    assert other.merge()["persons"] == 3


def test_of_a_step_in_parts_the_largest_memory_counts(report):
    report.write("map-web", {"memory_gib": {"map": 1.5}})
    report.write("map-mail", {"memory_gib": {"map": 0.5}})
    report.write("plan", {"memory_gib": {"plan": 0.25}})
    assert report.merge()["memory_gib"] == {"map": 1.5, "plan": 0.25}


def test_reading_the_parts_together_writes_nothing(report):
    report.write("plan", {"seconds": {"plan": 2.0}})
    assert report.merged() == {"ds": DAY, "seconds": {"plan": 2.0}}
    assert not report.file.exists()


def test_a_timed_step_writes_what_it_was_given_and_how_long_it_took(report, tmp_path):
    with report.timed("map", part="web") as fragment:
        fragment["sources"] = {"web": {"read": 1}}
    written = json.loads((tmp_path / DAY / "map-web.json").read_text())
    assert written["sources"] == {"web": {"read": 1}}
    assert 0 <= written["seconds"]["map"] < 5
    assert 0 < written["memory_gib"]["map"] < 64
    with report.timed("resolve"):
        pass
    assert (tmp_path / DAY / "resolve.json").exists()


def test_a_step_that_fails_leaves_no_fragment(report, tmp_path):
    with pytest.raises(ValueError, match="halfway"), report.timed("map") as fragment:
        fragment["persons"] = 1
        raise ValueError("halfway")
    assert not (tmp_path / DAY).exists()


def test_progress_lines_carry_the_mark(capsys):
    say("map web: 3 rows")
    assert capsys.readouterr().out == f"{PROGRESS_MARK}map web: 3 rows\n"
