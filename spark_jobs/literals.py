"""Python values as literals of Spark SQL, for expressions that have to be text: a mapping's own are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

NO_STRINGS = "cast(array() as array<string>)"
"""SQL of an array of strings that holds none."""

_ESCAPES = str.maketrans(
    {
        "\\": r"\\",
        "'": r"\'",
        "$": r"\u0024",  # Spark replaces ${env:NAME} by the variable, within literals too
        "\n": r"\n",  # not needed, but an error that quotes the expression stays on one line
        "\r": r"\r",
    }
)


def sql_literal(value: str | bytes | float | bool | Sequence | None) -> str:
    """The literal that Spark's parser reads as `value`; the session sets how the parser reads (`session.py`).

    Args:
        value: a string, bytes, a boolean, a whole number (bigint), a float (double), None, or a list or tuple of these.

    Raises:
        TypeError: a value of another type.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value.translate(_ESCAPES)}'"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, int):
        return f"{value}L"
    if isinstance(value, float):
        return f"{value!r}D" if math.isfinite(value) else f"double('{value}')"
    if isinstance(value, list | tuple):
        return f"array({', '.join(map(sql_literal, value))})"
    raise TypeError(f"expected a value that Spark SQL can write, but received one of type {type(value).__name__}")


def sql_list(values: Iterable[str]) -> str:
    """The right side of `in`: the values as literals, in parentheses; of none, a list that holds nothing."""
    return f"({', '.join(map(sql_literal, values)) or 'null'})"
