"""Every path below home stands in one list, with what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.home import PLACES, Home


def test_a_place_is_a_path_of_its_home(tmp_path):
    home = Home(tmp_path)
    assert home.lake == tmp_path / "lake"
    assert Home(tmp_path / "other").ledger == tmp_path / "other" / "ledger.jsonl"
    assert str(home) == str(tmp_path)


def test_every_path_stands_in_the_list_once():
    paths = [place.path for place in PLACES]
    assert len(paths) == len(set(paths)) >= 30
    assert all("/" not in path and path not in ("", ".", "..") for path in paths)


def test_what_names_people_is_rewritten_and_what_is_hashed_is_rekeyed():
    by_path = {place.path: place for place in PLACES}
    assert by_path["raw"].erasure == by_path["lake"].erasure == by_path["logs"].erasure == "rewritten"
    assert by_path["checkpoints"].erasure == "removed"
    assert by_path["mlflow.db"].erasure == by_path["artifacts"].erasure == "registry"
    assert by_path["lake"].rotation == by_path["audiences"].rotation == "rekeyed"
    assert {place.path for place in PLACES if place.erasure == "kept"} == {"secrets", "erasures", "tombstones.jsonl"}


@pytest.mark.parametrize(
    "needed", ["lake", "raw", "secrets", "tombstones.jsonl", "privacy_ledger.jsonl", "ledger.jsonl"]
)
def test_a_backup_holds_what_cannot_be_made_again(needed):
    assert needed in {place.path for place in PLACES if place.backup}


def test_no_other_file_names_a_path_below_home():
    """Text such as `home / "lake"` would be a second place for the same path."""
    repository = Path(__file__).resolve().parents[2]
    rooms = ("contracts", "lake_tables", "spark_jobs", "dbt_project", "training", "serving", "activation", "privacy")
    for room in (*rooms, "dags", "ops", "sample_data"):
        for file in sorted((repository / room).rglob("*.py")):
            text = file.read_text()
            assert ("settings.home / " not in text and "home.root / " not in text) or file.name == "home.py", file


def test_the_page_lists_every_place_with_what_becomes_of_it():
    page = (Path(__file__).resolve().parents[2] / "docs" / "orchestrate.md").read_text()
    for place in PLACES:
        cells = (f"`{place.path}`", place.holds, place.erasure, place.rotation, "yes" if place.backup else "no")
        assert f"| {' | '.join(cells)} |\n" in page, f"docs/orchestrate.md leaves out {place.path}"
