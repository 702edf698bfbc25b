"""Contracts as Arrow schemas, and columns of the lake as Arrow tables."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.column_types import parse_type
from contracts.errors import LakeError, ModelError
from contracts.lake import Lake
from contracts.schema import Column, Table
from lake_tables.arrow import arrow_schema, arrow_type, read_mart, vector_array, vector_batches

TABLE = Table(
    "visits",
    grain="one visit",
    key=("visit",),
    columns=(
        Column("visit", "bigint", "number", required=True),
        Column("at", "timestamp", "when"),
        Column("seen", "array<struct<item:string,seconds:double>>", "what"),
    ),
)


def test_a_contract_is_a_schema_whose_required_columns_are_not_nullable():
    assert arrow_schema(TABLE) == pa.schema(
        [
            pa.field("visit", pa.int64(), nullable=False),
            pa.field("at", pa.timestamp("us", tz="UTC")),
            pa.field("seen", pa.list_(pa.struct([("item", pa.string()), ("seconds", pa.float64())]))),
        ]
    )


@pytest.mark.parametrize(
    ("written", "arrow"),
    [
        ("string", pa.string()),
        ("int", pa.int32()),
        ("boolean", pa.bool_()),
        ("date", pa.date32()),
        ("array<array<double>>", pa.list_(pa.list_(pa.float64()))),
        ("struct<names:array<string>,n:int>", pa.struct([("names", pa.list_(pa.string())), ("n", pa.int32())])),
    ],
)
def test_a_type_is_the_arrow_type_of_its_parts(written, arrow):
    assert arrow_type(parse_type(written)) == arrow


def test_some_columns_of_a_mart_are_read_from_all_its_files_and_a_missing_day_names_the_command(tmp_path):
    lake = Lake(tmp_path)
    staging = lake.staging("test")
    for number, item in enumerate(("a", "b")):
        pq.write_table(pa.table({"item": [item], "other": [1]}), staging / f"part-{number}.parquet")
    lake.publish("dim_item", "2026-11-20", {file.name: file for file in staging.iterdir()})
    assert read_mart(lake, "dim_item", "2026-11-20", ["item"]).to_pydict() == {"item": ["a", "b"]}
    with pytest.raises(LakeError, match=r"run `python -m dbt_project.build --ds 2026-11-21` first"):
        read_mart(lake, "dim_item", "2026-11-21", ["item"])


def test_vectors_are_read_as_they_were_written_and_are_of_one_length(tmp_path):
    vectors = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    written = vector_array(vectors, np.array([True, False, True]))
    pq.write_table(pa.table({"item_id": ["a", "b", "c"], "vector": written}), tmp_path / "1.parquet")
    [(ids, found)] = vector_batches(tmp_path, "item_id", "vector")
    assert ids.tolist() == ["a", "c"]
    assert found.tolist() == [[1.0, 2.0], [5.0, 6.0]]
    pq.write_table(pa.table({"item_id": ["d"], "vector": [[1.0, 2.0, 3.0]]}), tmp_path / "2.parquet")
    with pytest.raises(ModelError, match="received lengths 2, 3"):
        list(vector_batches(tmp_path, "item_id", "vector"))
