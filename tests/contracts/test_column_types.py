"""Types of columns, as each engine writes them."""

from __future__ import annotations

import pytest

from contracts.column_types import Array, Simple, Struct, parse_type
from contracts.tables import TABLES
from contracts.tables.marts import MART_TABLES


@pytest.mark.parametrize(
    ("written", "duckdb", "without_zone"),
    [
        ("bigint", "bigint", "bigint"),
        ("timestamp", "timestamp", "timestamp_ntz"),
        ("array<timestamp>", "timestamp[]", "array<timestamp_ntz>"),
        (
            "array<struct<category:string,seen_at:timestamp>>",
            "struct(category string, seen_at timestamp)[]",
            "array<struct<category:string,seen_at:timestamp_ntz>>",
        ),
        (
            "struct<near:struct<x:double,y:double>,names:array<string>>",
            "struct(near struct(x double, y double), names string[])",
            "struct<near:struct<x:double,y:double>,names:array<string>>",
        ),
    ],
)
def test_a_type_is_written_as_each_engine_writes_it(written, duckdb, without_zone):
    kind = parse_type(written)
    assert (kind.spark, kind.duckdb, kind.spark_without_zone) == (written, duckdb, without_zone)


def test_a_type_is_parsed_into_its_parts():
    assert parse_type("array<struct<category:string,weight:double>>") == Array(
        Struct((("category", Simple("string")), ("weight", Simple("double"))))
    )


@pytest.mark.parametrize("written", ["varchar", "array<text>", "array<string", "struct<a>", "map<string,int>", ""])
def test_what_is_no_type_is_refused(written):
    with pytest.raises(ValueError, match="expected one of string, int"):
        parse_type(written)


def test_every_column_of_the_contracts_has_a_type():
    tables = [*TABLES.values(), *MART_TABLES]
    assert len(tables) > 8
    for table in tables:
        for column in table.columns:
            assert column.parsed_type.spark == column.type, f"{table.name}.{column.name}"
