"""What a table of the lake is made of."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.column_types import ColumnType, parse_type


@dataclass(frozen=True)
class Column:
    """One column; a mapped row with a value outside `one_of` or `pattern` (a regular expression) is quarantined."""

    name: str
    type: str
    meaning: str
    required: bool = False
    one_of: tuple[str, ...] = ()
    pattern: str = ""
    text: str = ""
    """Who may have put anything into it, for the mapping, which masks it: `free` (anybody's words), `code` (a short
    name that comes with an address or a delivery), `title` (the shop's own words); empty for what has another rule."""
    most: int = 0
    """Most characters of a text, and of each text of an array; the rest is cut off, and noted."""
    holds: str = ""
    """What the values name, for those who erase or re-key: `identifier`, `person`, `keyed` (an id of a row whose first
    32 digits are hashed under the pseudonyms' keys); empty for all else."""

    @property
    def parsed_type(self) -> ColumnType:
        return parse_type(self.type)


@dataclass(frozen=True)
class Table:
    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def texts(self) -> list[Column]:
        """The columns into which anybody may have written anything."""
        return [column for column in self.columns if column.text]

    @property
    def column_names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def required(self) -> list[str]:
        return [column.name for column in self.columns if column.required]

    def ddl(self) -> str:
        """The columns as a Spark schema string."""
        return ", ".join(f"{column.name} {column.parsed_type.spark}" for column in self.columns)
