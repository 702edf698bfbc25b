"""Free texts as they may stand in the lake: masked and cut, in every mapping alike.

What a column may hold stands in its contract (`contracts/schema.py`, `text` and `most`), so no mapping can forget it.
"""

from __future__ import annotations

from contracts.column_types import Array
from contracts.schema import Column
from contracts.tables.vocabulary import MOST_TEXTS
from spark_jobs.literals import sql_literal
from spark_jobs.pseudonyms import masked_sql

_PLAIN = {
    # in words without digits, dots and signs the masks would find nothing
    "free": r"^[\p{L}\p{M} ,_-]*$",
    # codes are full of digits; but four numbers with dots are an address, and nine digits in a campaign a phone
    "code": r"^(?!.*[0-9]\.[0-9]+\.[0-9]+\.[0-9])[A-Za-z0-9_./:-]*$",
}
"""Kind of text -> pattern of those that need no mask."""


_DIALLED = r"(?<![\w+])\+\d[\d ()./-]{6,}\d"
"""A phone number in an id: only as it is dialled from abroad, for ids are full of digits, and two of them that look
alike would be one thing."""

_MASK = r"\[(?:email|handle|link|address|phone)\]"


def cleaned(column: Column, value: str) -> str:
    """SQL for a value of a column as it may be kept; `value` is a short name in SQL, as it is used several times."""
    if isinstance(column.parsed_type, Array):
        return f"slice(transform({value}, text -> {_cleaned(column, 'text')}), 1, {MOST_TEXTS})"
    return _cleaned(column, value)


def too_long(column: Column, value: str) -> str:
    """SQL that is true for a value of which a part was cut off."""
    if isinstance(column.parsed_type, Array):
        return f"(size({value}) > {MOST_TEXTS} or exists({value}, text -> length(text) > {column.most}))"
    return f"length({value}) > {column.most}"


def was_masked(column: Column, value: str) -> str:
    """SQL that is true for a value in which something was masked, so that two of them may look alike."""
    if isinstance(column.parsed_type, Array):
        return f"exists({value}, text -> {_was_masked(column, 'text')})"
    return _was_masked(column, value)


def _cleaned(column: Column, value: str) -> str:
    masked = _masked(column, value)
    return masked if column.whole else f"left({masked}, {column.most})"


def _was_masked(column: Column, value: str) -> str:
    pattern, plain = sql_literal(_MASK), _PLAIN.get(column.text)
    more = f"regexp_count({_masked(column, value)}, {pattern}) > regexp_count({value}, {pattern})"
    not_plain = f"not {value} rlike {sql_literal(plain)} and " if plain else ""
    return f"coalesce({not_plain}{more}, false)"


def _masked(column: Column, value: str) -> str:
    masked = masked_sql(value, phones=column.text != "title" and not column.whole)
    if column.whole:
        masked = f"regexp_replace({masked}, {sql_literal(_DIALLED)}, '[phone]')"
    if column.text in _PLAIN:
        masked = f"if({value} rlike {sql_literal(_PLAIN[column.text])}, {value}, {masked})"
    return masked
