"""What the entry points of serving share."""

from __future__ import annotations

import argparse
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset

from contracts.arguments import day
from contracts.lake import Lake
from contracts.schema import Table


def parser(module: str, doc: str) -> argparse.ArgumentParser:
    """A parser whose help is the module's docstring, with the one argument that every entry point has."""
    made = argparse.ArgumentParser(
        prog=f"python -m {module}", description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--ds", required=True, type=day, help="day whose marts are read, as YYYY-MM-DD")
    return made


def read_mart(lake: Lake, table: str, ds: str, columns: list[str]) -> pa.Table:
    """Some columns of a mart of one day.

    Raises:
        LakeError: the marts of that day were not built.
    """
    return read_table(lake.require(table, ds, made_by=f"python -m dbt_project.build --ds {ds}"), columns)


def read_table(folder: Path, columns: list[str]) -> pa.Table:
    """Some columns of the Parquet files of one partition."""
    files = [str(file) for file in sorted(folder.glob("*.parquet"))]
    return pyarrow.dataset.dataset(files).to_table(columns=columns)


def arrow_schema(table: Table) -> pa.Schema:
    """The columns of a contract as Arrow types them."""
    return pa.schema(
        [pa.field(column.name, _arrow_type(column.type), nullable=not column.required) for column in table.columns]
    )


_SIMPLE = {
    "string": pa.string(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}


def _arrow_type(written: str) -> pa.DataType:
    """A Spark SQL type, `array<...>` and flat `struct<name:type,...>` among them."""
    if written.startswith("array<"):
        return pa.list_(_arrow_type(written[len("array<") : -1]))
    if written.startswith("struct<"):
        fields = (field.split(":") for field in written[len("struct<") : -1].split(","))
        return pa.struct([(name, _arrow_type(kind)) for name, kind in fields])
    return _SIMPLE[written]
