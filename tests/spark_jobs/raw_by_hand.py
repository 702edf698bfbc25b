"""Raw files written by hand, and the rows that the readers find in them, without a mapping around."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from contracts.lake import Lake
from spark_jobs.mapping.deliveries import Delivery, look_at
from spark_jobs.mapping.readers.formats import raw_scratch, read_raw
from spark_jobs.mapping.spec import Spec, load_spec
from tests.spark_jobs.feeds_by_hand import DAY


def spec_reading(folder: Path, read: str, columns: str = "event_id: raw_text") -> Spec:
    """A mapping that says how to read, `read` being the text of that section, and hardly more.

    Args:
        columns: further text of its writing, to name columns of a table.
    """
    section = "".join(f"  {line}\n" for line in read.strip().splitlines())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tried.yml").write_text(
        f"read:\n  files: '*'\n{section}write:\n  events:\n    - columns: {{{columns}, identifier: raw_text, "
        "occurred_at: raw_ds, action: \"'view'\"}\n",
        encoding="utf-8",
    )
    return load_spec("tried", folder)


def delivered(folder: Path, spec: Spec, files: Mapping[str, bytes | str]) -> Delivery:
    """Lay files into raw, and look at them."""
    for name, content in files.items():
        file = folder / "raw" / spec.source / f"ds={DAY}" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return look_at(folder / "raw", spec, DAY)


def rows_read(spark: SparkSession, folder: Path, read: str, files: Mapping[str, bytes | str]) -> list[dict[str, Any]]:
    """The raw rows of files, by file and place (or text)."""
    spec = spec_reading(folder, read)
    delivery = delivered(folder, spec, files)
    with raw_scratch(Lake(folder / "lake"), "test") as scratch:
        raw = read_raw(spark, spec.read, [delivery], scratch)
        rows = [] if raw is None else [row.asDict(recursive=True) for row in raw.collect()]
    return sorted(rows, key=lambda row: (row["raw_file"], row["raw_row"] or 0, row["raw_text"]))


def outcomes(rows: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    """Each row's text and why it is dropped or cannot be read."""
    return [(row["raw_text"], row["raw_dropped"] or row["raw_problem"]) for row in rows]
