"""Rows that are cut out of a file by one pass over it, staged as Parquet for Spark.

Where a row ends in a table or a JSON document depends on everything before it, so one reader goes through the file from
its start, in bounded memory. What it finds is typed, masked and judged by Spark, in parallel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from spark_jobs.mapping.readers.packed import as_read

BATCH_ROWS = 20_000
BATCH_CHARACTERS = 16 << 20
"""A batch is written when it has so many rows, or so many characters."""

_FILE_BATCHES = 16
"""Batches in a staged file; Spark reads several files at a time."""

ROW_FIELDS = (
    pa.field("raw_file", pa.string()),
    pa.field("raw_row", pa.int64()),
    pa.field("raw_text", pa.string()),
    pa.field("raw_problem", pa.string()),
    pa.field("raw_dropped", pa.string()),
)
"""What every staged row says of itself: file, number in it from 1, text, why it cannot be read, why it is no row."""


class StagedRow(NamedTuple):
    """A row of a text, before it has fields."""

    number: int
    text: str
    problem: str | None = None
    dropped: str | None = None


class Staging:
    """A folder of staged rows of one schema, a folder a day of delivery."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self.folder, self.schema = folder, schema
        self._writer: pq.ParquetWriter | None = None
        self._day = ""
        self._batches = self._files = 0

    @contextmanager
    def writing(self) -> Iterator[Staging]:
        """Close the last file in the end; a file without rows stands for nothing at all."""
        try:
            yield self
            if not self._files:
                self.write("ds=1970-01-01", self.schema.empty_table().to_batches()[0])
        finally:
            self._close()

    def write_rows(self, file: Path, rows: Sequence[StagedRow]) -> None:
        """Stage rows of a delivered file that have no fields yet."""
        if rows:
            numbers, texts, problems, dropped = zip(*rows, strict=True)
            columns = [[as_read(file.name)[0]] * len(rows), numbers, texts, problems, dropped]
            arrays = [pa.array(column, field.type) for column, field in zip(columns, self.schema, strict=True)]
            self.write(file.parent.name, pa.RecordBatch.from_arrays(arrays, schema=self.schema))

    def write(self, day: str, batch: pa.RecordBatch) -> None:
        """Stage the rows of a batch; `day` is the name of the day's folder, `ds=YYYY-MM-DD`."""
        if day != self._day or self._batches == _FILE_BATCHES:
            self._close()
        if self._writer is None:
            self._day, self._batches, self._files = day, 0, self._files + 1
            (self.folder / day).mkdir(parents=True, exist_ok=True)
            file = self.folder / day / f"{self._files:06d}.parquet"
            self._writer = pq.ParquetWriter(file, self.schema, compression="zstd", coerce_timestamps="us")
        self._writer.write_batch(batch)
        self._batches += 1

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def staged_rows(session: SparkSession, folder: Path) -> DataFrame:
    """The rows below a folder, with `raw_ds` as a date."""
    rows = session.read.option("basePath", str(folder)).parquet(str(folder))
    return rows.withColumn("raw_ds", F.col("ds").cast("date")).drop("ds")
