"""The project that dbt has parsed is read again while nothing that it was parsed from has changed."""

from __future__ import annotations

import shutil

import pytest

from dbt_project.runner.command import PROJECT
from dbt_project.runner.parsed import OF_A_RUN, parsed_file

VARIABLES = {"ds": "2026-11-19", "lake": "here", "warehouse": "here/warehouse.duckdb", "most_euros": 1000}


@pytest.fixture
def project(tmp_path):
    copy = tmp_path / "project"
    shutil.copytree(PROJECT / "macros", copy / "macros")
    (copy / "dbt_project.yml").write_text("name: copy\n")
    return copy


def test_another_day_and_another_home_have_the_same_file(project, tmp_path):
    tomorrow = {**VARIABLES, "ds": "2026-11-20", "lake": "there", "warehouse": "there/warehouse.duckdb"}
    assert parsed_file(tmp_path, project, "duckdb", VARIABLES) == parsed_file(tmp_path, project, "duckdb", tomorrow)


def test_a_changed_model_a_lasting_variable_or_the_engine_needs_another(project, tmp_path):
    before = parsed_file(tmp_path, project, "duckdb", VARIABLES)
    assert parsed_file(tmp_path, project, "duckdb", {**VARIABLES, "most_euros": 2000}) != before
    assert parsed_file(tmp_path, project, "spark", VARIABLES) != before
    with (project / "macros" / "run_day.sql").open("a") as macro:
        macro.write("\n")
    assert parsed_file(tmp_path, project, "duckdb", VARIABLES) != before


def test_no_model_is_configured_by_what_differs_from_run_to_run():
    """A reference or a configuration that hung on such a variable would be kept as it was on another day."""
    for file in PROJECT.rglob("*.sql"):
        text = file.read_text()
        for head in (part.split("}}")[0] for part in text.split("{{ config(")[1:]):
            assert not [name for name in OF_A_RUN if f"var('{name}'" in head or f'var("{name}"' in head], file


def test_a_project_in_another_folder_is_parsed_again(tmp_path):
    """Its seeds stand there: those of the folder where it was parsed may be gone."""
    named = set()
    for checkout in ("one", "two"):
        (tmp_path / checkout).mkdir()
        (tmp_path / checkout / "dbt_project.yml").write_text("name: shop\n")
        named.add(parsed_file(tmp_path, tmp_path / checkout, "duckdb", VARIABLES))
    assert len(named) == 2
