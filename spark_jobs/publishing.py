"""Write, audit, publish: rows become files in a staging folder, and only then partitions of the lake."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from contracts.lake import Lake
from contracts.schema import Table
from spark_jobs.footers import sort_encodings
from spark_jobs.session import shuffle_partitions

BYTES_PER_FILE = 256 << 20
"""Raw bytes of a day that go into one file of a table, about."""


def stage(rows: DataFrame, table: Table, folder: Path, raw_bytes: dict[str, int]) -> None:
    """Write the rows of a table below `folder`, a folder a day, the same bytes for the same rows.

    Args:
        rows: the columns of the table's contract and `ds`.
        raw_bytes: day -> bytes delivered; a day's number of files depends on this alone, so that a day gives the
            same files whether it is mapped by itself or in a backfill.
    """
    files_of_day = F.create_map(
        *(F.lit(value) for day, size in raw_bytes.items() for value in (day, 1 + size // BYTES_PER_FILE))
    )
    text_key = F.concat_ws("\0", *(F.col(name).cast("string") for name in table.key))
    day_files = F.coalesce(files_of_day[F.col("ds").cast("string")], F.lit(1))
    (
        rows.withColumn("bucket", F.pmod(F.xxhash64(text_key), day_files))
        # a day that is a literal would be left out of this order, and Spark would sort again, by bucket alone, to write
        .withColumn("ds", F.when(F.col("bucket") >= 0, F.col("ds")))
        .repartition(shuffle_partitions(rows.sparkSession), "ds", "bucket")
        .sortWithinPartitions("ds", "bucket", *table.key)
        .write.partitionBy("ds", "bucket")
        .parquet(str(folder))
    )


def publish(lake: Lake, table: Table, folder: Path, days: Iterable[str], *, owner: str) -> None:
    """Publish what was staged below `folder` as `owner`'s part of the table, for every one of `days`."""
    for day in days:
        parts = sorted((folder / f"ds={day}").glob("bucket=*/*.parquet"))
        for part in parts:
            sort_encodings(part)
        names = {f"{owner}-{number:05d}.parquet": part for number, part in enumerate(parts)}
        if names or lake.files(table.name, day, owner=owner):
            lake.publish(table.name, day, names, owner=owner)
