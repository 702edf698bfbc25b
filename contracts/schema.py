"""What a table of the lake is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from contracts.column_types import ColumnType, parse_type


@dataclass(frozen=True)
class Column:
    """One column, and what its values may be.

    A mapped row with a value outside of it is quarantined, a row of an earlier partition is set aside (`bounds.py`).
    Where a column is required, its texts must not be blank. No number may be infinite or none (NaN), anywhere.
    """

    name: str
    type: str
    meaning: str
    required: bool = False
    one_of: tuple[str, ...] = ()
    pattern: str = ""
    """A regular expression that the whole text fits, without quotes and backslashes: RE2 and Java read it alike."""
    least: float | None = None
    """The smallest number, itself allowed."""
    greatest: float | None = None
    """The largest number, itself allowed."""
    earliest: str = ""
    """The first day of a moment or date, YYYY-MM-DD; the last one is the day after its row arrived."""
    latest: str = ""
    """The last day of a date that may lie ahead, YYYY-MM-DD, instead of the day after its row arrived."""
    waits: bool = False
    """Of a moment: a row of an earlier partition that says a later one stays, and counts once that has come."""
    text: str = ""
    """Who may have put anything into it, for the mapping, which masks it: `free` (anybody's words), `code` (a short
    name that comes with an address or a delivery), `title` (the shop's own words); empty for what has another rule."""
    most: int = 0
    """Most characters of a text, and of each text of an array; the rest is cut off, and noted."""
    whole: bool = False
    """An id. A text of more than `most` characters breaks the contract: cut ids would make two things one. Mail and IP
    addresses, links and handles in it are masked as in any text; of phone numbers only those that begin with a plus."""
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
    checks: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Column -> what must not be false of it beside its own bounds: SQL over the names of the table's columns, without
    functions, that Spark and DuckDB read alike."""

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
