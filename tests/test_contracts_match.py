"""What the rooms say of a table is what the contracts say of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.schema import Column
from contracts.settings import Settings
from contracts.tables import TABLES
from contracts.tables.mapped import MAPPED_TABLES
from contracts.tables.marts import MART_TABLES
from contracts.tables.vocabulary import SESSION_SILENCE_MINUTES
from dbt_project.build import variables
from spark_jobs.mapping.spec import known_sources, load_spec

REPOSITORY = Path(__file__).resolve().parent.parent
DBT_TYPES = {"string": "varchar", "bigint": "bigint", "int": "integer", "double": "double", "boolean": "boolean"}


def test_the_bundled_mappings_fill_every_mapped_table():
    specs = [load_spec(source) for source in known_sources()]
    written = {writing.table for spec in specs for writing in spec.writings}
    assert written == set(MAPPED_TABLES)


def test_every_required_identifier_is_checked_by_a_pattern():
    for table in MAPPED_TABLES:
        for column in table.columns:
            if column.name.endswith("identifier"):
                assert column.pattern, f"{table.name}.{column.name} would let a raw identifier into the lake"


def test_dbt_reads_only_tables_of_the_contracts():
    sources = yaml.safe_load(next((REPOSITORY / "dbt_project/models/staging").rglob("*source*.yml")).read_text())
    tables = {table["name"] for source in sources["sources"] for table in source["tables"]}
    assert tables
    assert tables <= set(TABLES)


def test_the_silence_that_ends_a_session_is_one_number_for_spark_and_dbt(tmp_path):
    settings = Settings.from_env({"NIGHTSHIFT_HOME": str(tmp_path)})
    assert variables(settings, "2026-11-19")["session_silence_minutes"] == SESSION_SILENCE_MINUTES
    visits = next((REPOSITORY / "dbt_project/models").rglob("int_visits__converted.sql")).read_text()
    assert "interval '{{ var('session_silence_minutes') }}' minute" in visits
    with_sessions = [spec.sessions for source in known_sources() if (spec := load_spec(source)).sessions]
    assert with_sessions
    assert {sessions.silence_minutes for sessions in with_sessions} == {SESSION_SILENCE_MINUTES}


@pytest.mark.parametrize("table", MART_TABLES, ids=lambda table: table.name)
def test_a_mart_promises_its_contract(table):
    models = [
        model
        for file in (REPOSITORY / "dbt_project/models/marts").rglob("*.yml")
        for model in (yaml.safe_load(file.read_text()).get("models") or [])
        if model["name"] == table.name
    ]
    assert len(models) == 1, f"no single model {table.name} in the marts"
    project = yaml.safe_load((REPOSITORY / "dbt_project/dbt_project.yml").read_text())
    assert project["models"]["nightshift"]["marts"]["+contract"]["enforced"] is True
    columns = {column["name"]: column["data_type"] for column in models[0]["columns"]}
    assert list(columns) == table.column_names
    for column in table.columns:
        if column.type in DBT_TYPES:
            assert DBT_TYPES[column.type] in (columns[column.name].lower(), *_aliases(columns[column.name]))


def _bounded_columns() -> list[tuple[str, str, Column, str, Any]]:
    """Model, layer, column of the contract, name and argument of each test of the models that bounds a column."""
    found = []
    for file in sorted((REPOSITORY / "dbt_project/models").rglob("*.yml")):
        layer = file.relative_to(REPOSITORY / "dbt_project/models").parts[0]
        for model in yaml.safe_load(file.read_text()).get("models") or []:
            table = TABLES.get(model["name"].removeprefix("stg_lake__"))
            known = {column.name: column for column in table.columns} if table else {}
            for column in model.get("columns", ()):
                tests = [
                    (one, None) if isinstance(one, str) else next(iter(one.items()))
                    for one in column.get("data_tests", ())
                ]
                tests += [(one["type"], None) for one in column.get("constraints", ())]
                found += [
                    (model["name"], layer, known[column["name"]], name, (more or {}).get("arguments"))
                    for name, more in tests
                    if column["name"] in known
                ]
    return found


def test_what_the_models_rely_on_stands_in_the_contracts():
    """A bound that only a late test knows stops the night for everybody: the mapping has to know it."""
    seen = Counter()
    for model, layer, column, test, arguments in _bounded_columns():
        place = f"{model}.{column.name}"
        if test == "not_null":
            assert column.required, f"{place} may be null by its contract"
        elif test == "accepted_range":
            least, greatest = arguments.get("lowest"), arguments.get("highest")
            if isinstance(least, int | float):
                assert column.least is not None, f"{place} has no least value in its contract"
                assert column.least >= least, place
            if isinstance(greatest, int | float):
                assert column.greatest is not None, f"{place} has no greatest value in its contract"
                assert column.greatest <= greatest, place
        elif test == "accepted_values" and (column.one_of or layer == "staging"):
            assert set(column.one_of) == set(arguments["values"]), place
        seen[layer, test] += 1
    assert seen["staging", "not_null"] > 5
    assert seen["staging", "accepted_range"] >= 3
    assert seen["staging", "accepted_values"] >= 4
    assert seen["marts", "accepted_range"] > 10


@pytest.mark.parametrize("table", MART_TABLES, ids=lambda table: table.name)
def test_a_mart_refuses_null_where_its_contract_does(table):
    refused = {
        column.name for model, _, column, test, _ in _bounded_columns() if (model, test) == (table.name, "not_null")
    }
    assert refused == set(table.required)


def _aliases(data_type: str) -> tuple[str, ...]:
    return {"string": ("varchar",), "text": ("varchar",), "int": ("integer",)}.get(data_type.lower(), ())
