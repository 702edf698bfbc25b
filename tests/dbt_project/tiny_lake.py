"""A tiny lake, written by hand through the same door as the real one, and what was published from it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.lake import Lake
from contracts.settings import Settings
from contracts.tables import TABLES

ARROW_TYPES = {
    "string": pa.string(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "array<string>": pa.list_(pa.string()),
    "array<float>": pa.list_(pa.float32()),
    "array<double>": pa.list_(pa.float64()),
    "array<struct<category:string,weight:double,confidence:double>>": pa.list_(
        pa.struct([("category", pa.string()), ("weight", pa.float64()), ("confidence", pa.float64())])
    ),
}


@dataclass(frozen=True)
class TinyHome:
    """A home folder whose lake is written row by row."""

    settings: Settings

    @property
    def lake(self) -> Lake:
        return Lake(self.settings.home.lake)

    def deliver(self, table: str, ds: str, rows: Iterable[dict[str, Any]]) -> None:
        """Publish rows as one day of a table; columns that a row does not name are null."""
        columns = TABLES[table].columns
        schema = pa.schema([(column.name, ARROW_TYPES[column.type]) for column in columns])
        whole = [{"source": "shop", **row} for row in rows]
        filled = [{column.name: row.get(column.name) for column in columns} for row in whole]
        file = self.lake.staging("tiny") / "part-00000.parquet"
        pq.write_table(pa.Table.from_pylist(filled, schema=schema), file)
        self.lake.publish(table, ds, {file.name: file})

    def deliver_persons(self, ds: str, identifiers_of: dict[str, list[str]]) -> None:
        """Publish who is who on a day: person -> identifiers."""
        first_ds = datetime.date(2026, 11, 18)
        self.deliver(
            "persons",
            ds,
            [
                {"identifier": identifier, "person_id": person, "first_ds": first_ds}
                for person, identifiers in identifiers_of.items()
                for identifier in identifiers
            ],
        )

    def rows(self, table: str, ds: str) -> list[dict[str, Any]]:
        """The published rows of a mart, in the order of the file."""
        (file,) = self.lake.files(table, ds)
        return pq.ParquetFile(file).read().to_pylist()

    def row(self, table: str, ds: str, **key: Any) -> dict[str, Any]:
        """The one published row with this key."""
        (row,) = [row for row in self.rows(table, ds) if key.items() <= row.items()]
        return row

    def digests(self, tables: Iterable[str], ds: str) -> dict[str, str]:
        return {table: self.lake.digest(table, ds) for table in tables}


def at(text: str) -> datetime.datetime:
    """A moment, UTC: `at("2026-11-20 10:00")`."""
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)
