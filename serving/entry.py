"""What the entry points of serving share."""

from __future__ import annotations

import argparse
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset

from contracts.arguments import day
from contracts.lake import Lake


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
