"""What a value of a table may be, as SQL that Spark and DuckDB read alike.

The mapping quarantines rows by it before they reach the lake; the staging of dbt sets aside, by the same text, the rows
of partitions that were written before the contract said so.
"""

from __future__ import annotations

import re

from contracts.column_types import Simple
from contracts.schema import Column, Table

DAYS_AFTER_ARRIVAL = 2
"""A moment lies before the midnight so many days after its row arrived: clocks run ahead, but not for days."""

LARGEST = 1.7976931348623157e308
"""The largest double; beyond it lie the infinities."""

_BLANK_RANGES = (
    *((0x09, 0x0D), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0xAD, 0xAD), (0x1680, 0x1680), (0x180E, 0x180E)),
    *((0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x206F), (0x2800, 0x2800), (0x3000, 0x3000), (0x3164, 0x3164)),
    (0xFEFF, 0xFEFF),
)
"""Signs that leave no mark on paper: blanks, line ends, and marks of direction or without width."""

_MARK = f"[^{''.join(f'{chr(first)}-{chr(last)}' for first, last in _BLANK_RANGES)}]"
"""Pattern of any other sign; written out, as a literal with backslashes is read differently by the two engines."""


def broken(table: Table, prefix: str = "", day: str = "ds", *, new_rows: bool = True) -> list[tuple[str, str]]:
    """Column and SQL that is true for a row whose value in it breaks the contract, else false; never null.

    Args:
        table: a table; a column that allows any value of its type is left out.
        prefix: what stands before the name of a column in the SQL, as `record.` where the row is a struct.
        day: SQL of the day on which the row arrived, a date or a text YYYY-MM-DD.
        new_rows: also what holds for these only: the form of identifiers and ids that the mapping itself makes, which
            no feed can choose, and the last day of a moment that `waits`.
    """
    found = []
    for column in table.columns:
        conditions = _conditions(column, f"{prefix}{column.name}", day, new_rows=new_rows)
        if column.name in table.checks:
            conditions.append(f"not ({_prefixed(table.checks[column.name], table, prefix)})")
        if conditions:
            found.append((column.name, f"coalesce({' or '.join(conditions)}, false)"))
    return found


def blank(value: str) -> str:
    """SQL that is true for a text without any sign that leaves a mark, null for null."""
    return f"regexp_extract({value}, {_literal(_MARK)}, 0) = ''"


def _conditions(column: Column, value: str, day: str, *, new_rows: bool) -> list[str]:
    """What is true, or null, of a value that breaks the contract of its column alone."""
    conditions = [f"{value} is null"] if column.required else []
    if not isinstance(column.parsed_type, Simple):
        return conditions
    kind = column.parsed_type.name
    if kind == "double":
        least = -LARGEST if column.least is None else column.least
        greatest = LARGEST if column.greatest is None else column.greatest
        conditions += [f"isnan({value})", f"{value} < {least!r}", f"{value} > {greatest!r}"]
    if kind in ("int", "bigint"):
        conditions += [f"{value} < {column.least!r}"] if column.least is not None else []
        conditions += [f"{value} > {column.greatest!r}"] if column.greatest is not None else []
    if column.earliest:
        conditions.append(f"{value} < cast('{column.earliest}' as {kind})")
        if column.latest:
            conditions.append(f"{value} > cast('{column.latest}' as {kind})")
        elif new_rows or not column.waits:
            midnight = f"cast({day} as date) + interval '{DAYS_AFTER_ARRIVAL}' day"
            conditions.append(f"{value} >= cast({midnight} as {kind})")
    if kind == "string":
        if column.one_of:
            conditions.append(f"{value} not in ({', '.join(map(_literal, column.one_of))})")
        if column.pattern and (new_rows or not column.holds):
            # both engines have this function, and the one's name for `matches` is not the other's
            conditions += [f"regexp_extract({value}, {_literal(column.pattern)}, 0) <> {value}", f"{value} = ''"]
        if column.required and not column.one_of and not column.pattern:
            conditions.append(blank(value))
        if column.whole:
            conditions.append(f"length({value}) > {column.most}")
    return conditions


def _prefixed(condition: str, table: Table, prefix: str) -> str:
    """SQL over plain names of columns with the prefix before each of them; what stands in quotes is no name."""
    names = "|".join(sorted(table.column_names, key=len, reverse=True))
    parts = re.split(r"('[^']*')", condition)
    return "".join(part if part.startswith("'") else re.sub(rf"\b({names})\b", rf"{prefix}\1", part) for part in parts)


def _literal(text: str) -> str:
    """A literal that both engines read as the same text.

    Raises:
        ValueError: a quote or backslash, which they read differently; contracts are code, so this is a mistake in it.
    """
    if "'" in text or "\\" in text:
        raise ValueError(f"expected a text without quotes and backslashes in a contract, not {text!r}")
    return f"'{text}'"
