"""A mapping's SQL as Spark columns: the rows that one raw row gives to a table, typed, masked and cut.

A writing stays text until all of it is one expression: under `for_each` its parts speak of `each`, which a lambda of
SQL binds and a lambda of Python does not.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from contracts.schema import Column as TableColumn
from contracts.schema import Table
from spark_jobs.literals import NO_STRINGS, sql_list, sql_literal
from spark_jobs.mapping.masked_text import cleaned, too_long
from spark_jobs.mapping.spec import Spec, Writing


def with_let(rows: DataFrame, spec: Spec) -> DataFrame:
    """Add the columns that stand under `let`, in order, as a later one may use an earlier one."""
    for name, expression in spec.let.items():
        rows = rows.select("*", F.expr(expression).alias(name))
    return rows


def rows_given(writing: Writing, spec: Spec, *, erasing: bool) -> Column:
    """The rows that a raw row gives to one table, an array of structs; null where it has a `verdict` already.

    Each struct has the columns of the table's contract, `session_key` where events have sessions, and `shortened`:
    whether a part of a text was cut off. What cannot be cast to the contract's type is null.

    Args:
        erasing: leave out rows of `raw_erased_identifiers`: another person's raw row may name an erased one.
    """
    values = {
        column.name: f"try_cast({writing.columns.get(column.name, 'null')} as {column.type})"
        for column in writing.table.columns
    }
    values["source"] = sql_literal(spec.source)
    if spec.sessions and writing.table.name == "events":
        values["session_key"] = spec.sessions.by
    rows = _cleaned_rows(f"array_compact({_each(writing, _struct(values))})", writing.table, list(values))
    if erasing:
        for column in writing.table.columns:
            if column.holds == "identifier":
                erased = f"array_contains(raw_erased_identifiers, record.{column.name})"
                rows = f"filter({rows}, record -> not coalesce({erased}, false))"
    return F.expr(f"if(verdict is null, {rows}, null)")


def values_given(writing: Writing, column: str) -> Column:
    """What a raw row gives to one column of a table: an array of strings, null where a row is not written."""
    return F.expr(f"coalesce({_each(writing, f'cast({writing.columns[column]} as string)')}, {NO_STRINGS})")


def breaks_contract(rows: str, column: TableColumn) -> Column | None:
    """Whether a row of the array `rows` has a value that the contract does not allow; None if it allows any."""
    value = f"record.{column.name}"
    broken = [f"{value} is null"] if column.required else []
    if column.one_of:
        broken.append(f"{value} not in {sql_list(column.one_of)}")
    if column.pattern:
        broken.append(f"not {value} rlike {sql_literal(column.pattern)}")
    return F.expr(f"exists({rows}, record -> coalesce({' or '.join(broken)}, false))") if broken else None


def _each(writing: Writing, value: str) -> str:
    """SQL for the array of a value of each row of a writing, null where the row is not written."""
    written = f"if({writing.where}, {value}, null)"
    return f"transform({writing.for_each}, each -> {written})" if writing.for_each else f"array({written})"


def _cleaned_rows(rows: str, table: Table, names: list[str]) -> str:
    """SQL for the same rows with their texts masked and cut, and `shortened`."""
    values = {name: f"record.{name}" for name in names}
    values |= {column.name: cleaned(column, f"record.{column.name}") for column in table.texts}
    long = " or ".join(too_long(column, f"record.{column.name}") for column in table.texts) or "false"
    values["shortened"] = f"coalesce({long}, false)"
    return f"transform({rows}, record -> {_struct(values)})"


def _struct(values: dict[str, str]) -> str:
    return f"named_struct({', '.join(f'{sql_literal(name)}, {value}' for name, value in values.items())})"
