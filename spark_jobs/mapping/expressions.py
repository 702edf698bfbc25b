"""A mapping's SQL as Spark columns: the records that one raw row gives to a table, typed, masked, cut and judged.

A writing without `for_each` gives one record, made by projections that Spark compiles; one with it an array of them.
Both are the same SQL over the name of a record, in three steps, as a step uses the names of the one before: the values
as the mapping states them; typed, masked and cut; and what the contract says of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from contracts import bounds
from contracts.column_types import Simple
from contracts.schema import Column as TableColumn
from contracts.tombstones import ERASED
from spark_jobs.literals import NO_STRINGS, sql_literal
from spark_jobs.mapping.masked_text import cleaned, too_long, was_masked
from spark_jobs.mapping.notes import (
    MASKED,
    NO_VALUE,
    NOBODY,
    OF_NOBODY,
    SHORTENED,
    Notes,
    is_there,
    not_understood,
    notes,
    understandings,
)
from spark_jobs.mapping.spec import Spec, Writing
from spark_jobs.pseudonyms import Functions

_RECORD = "record"
"""Name of one record of an array."""

PLACE = "{record}"
"""Stands in SQL for the name of a record."""


def with_let(rows: DataFrame, spec: Spec) -> DataFrame:
    """Add the columns that stand under `let`: at a time all that use none of each other, as every step is planned."""
    for names in _steps_of_let(spec.let):
        rows = rows.select("*", *(F.expr(spec.let[name]).alias(name) for name in names))
    return rows


def _steps_of_let(let: Mapping[str, str]) -> Sequence[Sequence[str]]:
    """The names under `let`; each step uses names of earlier ones only, in whatever case SQL writes them."""
    step_of: dict[str, int] = {}
    for name, expression in let.items():
        words = set(re.findall(r"\w+", expression.lower()))
        step_of[name] = 1 + max((step for other, step in step_of.items() if other.lower() in words), default=-1)
    steps: list[list[str]] = [[] for _ in range(1 + max(step_of.values(), default=-1))]
    for name, step in step_of.items():
        steps[step].append(name)
    return steps


def with_records(rows: DataFrame, records: Sequence[Records]) -> DataFrame:
    """Add the column of each of `records`; null where a row has a `verdict` or gives nothing."""
    for step in zip(*(one.steps for one in records), strict=True):
        rows = rows.withColumns({one.name: F.expr(sql) for one, sql in zip(records, step, strict=True)})
    return rows


def values_given(writing: Writing, column: str) -> Column:
    """What a raw row gives to one column of a table: an array of strings, null where a row is not written."""
    value = f"if({writing.where}, cast({writing.columns[column]} as string), null)"
    values = f"transform({writing.for_each}, each -> {value})" if writing.for_each else f"array({value})"
    return F.expr(f"coalesce({values}, {NO_STRINGS})")


@dataclass(frozen=True)
class Records:
    """What one writing of a mapping makes of a raw row.

    A record is a struct: the columns that the mapping gives, `session_key` where events have sessions, `dropped` and
    `broken` (the rule by which it is not mapped, else null) and `notes` (a number, see `notes.py`).
    """

    writing: Writing
    name: str
    """The column of its records: a struct, or an array of structs under `for_each`."""
    values: dict[str, str]
    """Field -> SQL over the raw row."""
    notes: Notes
    erasing: bool

    @property
    def several(self) -> bool:
        """Whether a raw row may give more than one."""
        return bool(self.writing.for_each)

    @property
    def steps(self) -> tuple[str, str, str]:
        """SQL of its column, over `verdict` and the raw row; then of what replaces it, twice, over itself."""
        return self._stated(), self._of_each(self._typed), self._of_each(self._judged)

    def marks(self, number: int) -> str:
        """SQL of an array of what became of each record, number of the writing, dropped, broken, notes."""

        def mark(record: str) -> str:
            became = {name: f"{record}.{name}" for name in ("dropped", "broken", "notes")}
            return _struct({"writing": str(number), **became})

        if self.several:
            none = "cast(array() as array<struct<writing: int, dropped: string, broken: string, notes: bigint>>)"
            return f"coalesce(transform({self.name}, {_RECORD} -> {mark(_RECORD)}), {none})"
        return f"array(if({self.name} is null, null, {mark(self.name)}))"

    def any(self, condition: str) -> str:
        """SQL: whether a row gives a record for which a condition over `{record}` holds."""
        if self.several:
            return f"coalesce(exists({self.name}, {_RECORD} -> {condition.replace(PLACE, _RECORD)}), false)"
        return f"({self.name} is not null and {condition.replace(PLACE, self.name)})"

    def _stated(self) -> str:
        where, as_stated = self.writing.where, _struct(self.values)
        if not self.several:
            return f"if(verdict is null and {where}, {as_stated}, null)"
        if re.search(r"\beach\b", where):
            written = f"if({where}, {as_stated}, null)"
            return f"if(verdict is null, array_compact(transform({self.writing.for_each}, each -> {written})), null)"
        # what is true of the whole row is asked once, and first
        each = f"transform({self.writing.for_each}, each -> {as_stated})"
        return f"case when verdict is not null then null when {where} then {each} else array() end"

    def _of_each(self, step: Callable[[str], str]) -> str:
        if self.several:
            return f"transform({self.name}, {_RECORD} -> {step(_RECORD)})"
        return f"if({self.name} is null, null, {step(self.name)})"

    def _columns(self) -> Iterator[TableColumn]:
        return (column for column in self.writing.table.columns if column.name in self.values)

    def _typed(self, record: str) -> str:
        fields = {}
        for column in self._columns():
            value = _cast(column, f"{record}.{column.name}")
            fields[column.name] = cleaned(column, value) if column.text else value
        if "session_key" in self.values:
            fields["session_key"] = f"{record}.session_key"
        return _struct(fields | {"notes": self.notes.sql().replace(PLACE, record)})

    def _judged(self, record: str) -> str:
        kept = [column.name for column in self._columns()] + (["session_key"] if "session_key" in self.values else [])
        fields = {name: f"{record}.{name}" for name in [*kept, "notes"]}
        identifiers = [column.name for column in self._columns() if column.holds == "identifier"]
        nobody = " or ".join(f"{record}.{name} is null" for name in identifiers) or "false"
        dropped = [(f"({nobody}) and {self.notes.holds(f'{record}.notes', NO_VALUE, OF_NOBODY)}", NOBODY)]
        if self.erasing:
            dropped += [(f"array_contains(raw_erased_identifiers, {record}.{name})", ERASED) for name in identifiers]
        broken = [
            (condition, f"contract: {self.writing.table.name}.{column}")
            for column, condition in bounds.broken(self.writing.table, f"{record}.", "raw_ds")
            if column in self.writing.columns
        ]
        fields["dropped"] = _first_that_holds(dropped)
        fields["broken"] = f"if({fields['dropped']} is null, {_first_that_holds(broken)}, null)"
        return _struct(fields)


def records_of(spec: Spec, functions: Functions, *, erasing: bool) -> list[Records]:
    """Of each writing of a mapping, in its order.

    Args:
        spec: the mapping as written.
        erasing: leave out records of `raw_erased_identifiers`: another person's raw row may name an erased one.
    """
    translated = spec.translated(functions.expanded)
    of_nobody = _of_nobody_under_let(spec, functions)
    return [
        _records(number, translated, written, writing, functions, of_nobody, erasing=erasing)
        for number, (written, writing) in enumerate(zip(spec.writings, translated.writings, strict=True))
    ]


def _of_nobody_under_let(spec: Spec, functions: Functions) -> dict[str, str]:
    """Name under `let` -> SQL of whether an identifier was there in it that names nobody; `spec` as written."""
    found: dict[str, str] = {}
    for name, sql in spec.let.items():
        calls = [one for one in understandings(name, sql, functions) if one.name.startswith(NO_VALUE)]
        if calls:
            conditions = [not_understood(one.name, one.there, one.result or name) for one in calls]
            found[name] = " or ".join(f"({lost})" for [(_, lost)] in conditions)
    return found


def _records(
    number: int,
    spec: Spec,
    written: Writing,
    writing: Writing,
    functions: Functions,
    of_nobody: Mapping[str, str],
    *,
    erasing: bool,
) -> Records:
    table = writing.table
    values = {**writing.columns, "source": sql_literal(spec.source)}
    if spec.sessions and table.name == "events":
        values["session_key"] = spec.sessions.by
    conditions: list[tuple[str, str]] = []
    for column in table.columns:
        if column.name not in writing.columns:
            if any(re.search(rf"\b{column.name}\b", check) for check in table.checks.values()):
                values[column.name] = "null"
            continue
        stated, name = f"{PLACE}.{column.name}", f"{table.name}.{column.name}"
        if isinstance(column.parsed_type, Simple) and column.type != "string":
            conditions += not_understood(name, is_there(stated), _cast(column, stated))
        if column.text and not column.whole:
            conditions.append((SHORTENED, too_long(column, _cast(column, stated))))
        if column.whole:
            conditions.append((MASKED + name, was_masked(column, _cast(column, stated))))
        for index, one in enumerate(understandings(name, written.columns[column.name], functions)):
            # a call speaks of the raw row, so whether it was given anything is a field beside the values
            field = f"{column.name}_call_{index}"
            values[field] = one.there
            if one.result:
                values[f"{field}_result"] = one.result
            result = f"{PLACE}.{field}_result" if one.result else stated
            conditions += not_understood(one.name, f"{PLACE}.{field}", result)
        used = [lost for name, lost in of_nobody.items() if re.search(rf"\b{name}\b", written.columns[column.name])]
        if column.holds == "identifier" and used:
            values[f"{column.name}_lost"] = " or ".join(used)
            conditions.append((OF_NOBODY, f"{PLACE}.{column.name}_lost"))
    return Records(writing, f"records_{number}", values, notes(*conditions), erasing)


def _cast(column: TableColumn, value: str) -> str:
    return f"try_cast({value} as {column.type})"


def _first_that_holds(rules: list[tuple[str, str]]) -> str:
    """SQL of the first rule whose condition is true, else null."""
    cases = " ".join(f"when coalesce({condition}, false) then {sql_literal(rule)}" for condition, rule in rules)
    return f"case {cases} else null end" if rules else "cast(null as string)"


def _struct(values: dict[str, str]) -> str:
    return f"named_struct({', '.join(f'{sql_literal(name)}, {value}' for name, value in values.items())})"
