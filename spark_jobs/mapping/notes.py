"""What is noted of a row or a record beside its outcome, as one number: a bit for each condition that held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from spark_jobs.mapping.spec import Spec
from spark_jobs.pseudonyms import Functions

SHORTENED = "shortened"
MASKED = "masked: "
"""Begins the note that something in an id was masked, so that two of them may look alike."""
UNCAST = "uncast: "
"""Begins the note that a value which was there could not be understood."""
NOBODY = "no_value"
"""The rule by which a record of nobody is dropped."""
NO_VALUE = f"{NOBODY}: "
"""Begins the note that an identifier was there and names nobody, such as `undefined`."""

OF_NOBODY = "of nobody"
"""An identifier of a record was there under `let` and names nobody: the row notes it, so the record does not again."""

_THERE = "there: "
"""Begins the bit of a value that was there, understood or not: what the share of `uncast` is of."""

_UNDERSTOOD = ("number", "moment")
"""Functions of a mapping that understand a text, or give null."""


@dataclass(frozen=True)
class Notes:
    """Named conditions, in SQL over the columns of the same row; at most 63."""

    conditions: tuple[tuple[str, str], ...]

    def sql(self) -> str:
        """SQL of the number in which a condition that holds has its bit set."""
        bits = (
            f"if(coalesce({condition}, false), {1 << bit}L, 0L)" for bit, (_, condition) in enumerate(self.conditions)
        )
        return " + ".join(bits) or "0L"

    def holds(self, number: str, *prefixes: str) -> str:
        """SQL: whether a condition whose name begins with one of the prefixes has its bit in `number`."""
        mask = sum(1 << bit for bit, (name, _) in enumerate(self.conditions) if name.startswith(prefixes))
        return f"({number} & {mask}L) != 0" if mask else "false"

    def noted(self, number: int) -> Iterator[str]:
        """The notes whose bits are set, without those that count nothing by themselves."""
        return (name for name in self._set(number) if not name.startswith((_THERE, OF_NOBODY)))

    def there(self, number: int) -> Iterator[str]:
        """The values that were there, as their notes of not being understood would name them."""
        return (UNCAST + name.removeprefix(_THERE) for name in self._set(number) if name.startswith(_THERE))

    def _set(self, number: int) -> Iterator[str]:
        return (name for bit, (name, _) in enumerate(self.conditions) if number >> bit & 1)


def notes(*conditions: tuple[str, str]) -> Notes:
    """Notes with each name once: a name that stands twice is noted where either condition holds."""
    merged: dict[str, str] = {}
    for name, condition in conditions:
        merged[name] = f"{merged[name]} or ({condition})" if name in merged else f"({condition})"
    return Notes(tuple(merged.items()))


def not_understood(name: str, there: str, result: str) -> list[tuple[str, str]]:
    """The conditions of one value: that it was there, and that nothing was understood of it.

    Args:
        name: `table.column`, or a name under `let`; or a note of its own, which begins with NO_VALUE.
        there: SQL of whether there was a value.
        result: SQL of what became of it.
    """
    lost = f"{there} and {result} is null"
    return [(name, lost)] if name.startswith(NO_VALUE) else [(_THERE + name, there), (UNCAST + name, lost)]


def is_there(value: str) -> str:
    """SQL of whether there is a value: neither null nor blank."""
    return f"trim(cast({value} as string)) != ''"


@dataclass(frozen=True)
class Understanding:
    """A call, in an expression of a mapping, of a function that gives null where it does not understand its text."""

    name: str
    """As for `not_understood`."""
    there: str
    result: str
    """SQL of the call's value; empty where the call is the whole expression, whose value is known by its name."""


def understandings(name: str, sql: str, functions: Functions) -> Iterator[Understanding]:
    """The calls in an expression as it stands in the mapping; `name` is what a lost value is noted under."""
    for call in functions.calls(sql, "pseudonym", *_UNDERSTOOD):
        is_identifier = call.name == "pseudonym"
        value = call.arguments[1 if is_identifier else 0]
        yield Understanding(
            NO_VALUE + call.arguments[0].strip("'") if is_identifier else name,
            is_there(functions.expanded(value)),
            "" if call.sql.strip() == sql.strip() else functions.expanded(call.sql),
        )


def notes_of_let(spec: Spec, functions: Functions) -> Notes:
    """What is noted of a row by the names under `let`; `spec` as written."""
    conditions = []
    for name, sql in spec.let.items():
        for one in understandings(name, sql, functions):
            conditions += not_understood(one.name, one.there, one.result or name)
    return notes(*conditions)
