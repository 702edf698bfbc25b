"""Tables of the lake as DuckDB reads them: some days of one, file by file, when they are needed."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.dataset

from contracts.lake import Lake
from contracts.schema import Table
from lake_tables.arrow import arrow_schema


def rows_of(lake: Lake, table: Table, days: Iterable[str]) -> pa.dataset.Dataset | pa.Table:
    """The rows of some days of a table; without any day, no row of its columns."""
    files = [str(file) for day in days for file in lake.files(table.name, day) if file.suffix == ".parquet"]
    return pyarrow.dataset.dataset(files) if files else arrow_schema(table).empty_table()
