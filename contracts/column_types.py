"""The types of columns: parsed once from how a contract writes them, and written as each engine writes them.

A contract writes Spark SQL: `string`, `array<double>`, `array<struct<category:string,weight:double>>`. Arrow types are
made of the same parts in `lake_tables/arrow.py`, because contracts need only the standard library.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SIMPLE = ("string", "int", "bigint", "float", "double", "boolean", "date", "timestamp")
"""Types without parts; both engines know them by these names."""

_DECIMAL = re.compile(r"decimal\(\d+,\d+\)")
"""Of so many digits, so many of them after the point."""


@dataclass(frozen=True)
class Simple:
    """A type without parts."""

    name: str

    @property
    def spark(self) -> str:
        return self.name

    @property
    def spark_without_zone(self) -> str:
        """As Spark has to write it for the same file as DuckDB's: its `timestamp` has a zone, DuckDB's has none."""
        return "timestamp_ntz" if self.name == "timestamp" else self.name

    @property
    def duckdb(self) -> str:
        return self.name


@dataclass(frozen=True)
class Array:
    """A list of elements of one type."""

    element: ColumnType

    @property
    def spark(self) -> str:
        return f"array<{self.element.spark}>"

    @property
    def spark_without_zone(self) -> str:
        return f"array<{self.element.spark_without_zone}>"

    @property
    def duckdb(self) -> str:
        return f"{self.element.duckdb}[]"


@dataclass(frozen=True)
class Struct:
    """Named fields, in their order."""

    fields: tuple[tuple[str, ColumnType], ...]

    @property
    def spark(self) -> str:
        return f"struct<{','.join(f'{name}:{kind.spark}' for name, kind in self.fields)}>"

    @property
    def spark_without_zone(self) -> str:
        return f"struct<{','.join(f'{name}:{kind.spark_without_zone}' for name, kind in self.fields)}>"

    @property
    def duckdb(self) -> str:
        return f"struct({', '.join(f'{name} {kind.duckdb}' for name, kind in self.fields)})"


ColumnType = Simple | Array | Struct


def parse_type(written: str) -> ColumnType:
    """The type that a contract writes.

    Raises:
        ValueError: it is none; contracts are code, so this is a mistake in the code.
    """
    name, opening, inside = written.partition("<")
    if opening and inside.endswith(">"):
        inside = inside[:-1]
        if name == "array":
            return Array(parse_type(inside))
        if name == "struct":
            fields = [field.partition(":") for field in _fields(inside)]
            return Struct(tuple((field, parse_type(kind)) for field, _, kind in fields))
    if written not in SIMPLE and not _DECIMAL.fullmatch(written):
        raise ValueError(
            f"expected one of {', '.join(SIMPLE)}, decimal(p,s), array<...> or struct<name:type,...>, not {written!r}"
        )
    return Simple(written)


def _fields(written: str) -> list[str]:
    """The fields of a struct, parted at the commas that stand in no inner type."""
    fields, depth = [""], 0
    for sign in written:
        depth += (sign == "<") - (sign == ">")
        if sign == "," and depth == 0:
            fields.append("")
        else:
            fields[-1] += sign
    return fields
