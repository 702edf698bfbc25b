"""Calls of functions in an SQL text: where they stand, and their arguments as they are written."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from contracts.errors import MappingError

_LITERAL = r"""'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+\""""
_TOKEN = re.compile(rf"(?s){_LITERAL}|`[^`]*+`|->|[(),]|\w+")
"""Texts in quotes and names in backticks are one token each: nothing in them is a call."""


@dataclass(frozen=True)
class Call:
    """One call of a function."""

    name: str
    """In lower case, as SQL does not tell cases apart."""
    arguments: tuple[str, ...]
    """SQL of each argument, as written."""
    sql: str
    """The whole call, as written."""
    start: int
    """Where it begins in the text that was searched."""
    in_lambda: bool
    """Whether it stands in the body of a lambda (`->`), whose names mean nothing outside of it."""


@dataclass
class _Level:
    """A pair of parentheses that is open."""

    name: re.Match[str] | None
    """The function's name before it, where its calls are wanted."""
    begin: int
    """Where the argument begins that is being read."""
    outside: bool
    """Whether the parentheses stand in a lambda."""
    inside: bool
    """Whether the place that is being read stands in one."""
    arguments: list[str] = field(default_factory=list)


def calls(sql: str, names: Collection[str]) -> list[Call]:
    """The calls of some functions in an SQL text, by where they begin; a call within a call's argument counts too.

    Raises:
        MappingError: the parentheses of such a call do not close.
    """
    return sorted(_closed_calls(sql, {name.lower() for name in names}), key=lambda call: call.start)


def literal(sql: str) -> str | None:
    """The text of a string literal; None where the SQL is anything else."""
    sql = sql.strip()
    return re.sub(r"(?s)\\(.)", r"\1", sql[1:-1]) if re.fullmatch(f"(?s){_LITERAL}", sql) else None


def _closed_calls(sql: str, names: Collection[str]) -> Iterator[Call]:
    levels = [_Level(None, 0, outside=False, inside=False)]
    before: re.Match[str] | None = None
    for token in _TOKEN.finditer(sql):
        level = levels[-1]
        if token[0] == "(":
            called = before and before[0].lower() in names and not sql[before.end() : token.start()].strip()
            levels.append(_Level(before if called else None, token.end(), level.inside, level.inside))
        elif token[0] == "->":
            level.inside = True
        elif token[0] in (",", ")"):
            argument = sql[level.begin : token.start()].strip()
            if argument or level.arguments or token[0] == ",":
                level.arguments.append(argument)
            level.begin, level.inside = token.end(), level.outside
            if token[0] == ")" and len(levels) > 1:
                levels.pop()
                if level.name:
                    start = level.name.start()
                    text = sql[start : token.end()]
                    yield Call(level.name[0].lower(), tuple(level.arguments), text, start, level.outside)
        before = token
    for level in levels:
        if level.name:
            raise MappingError(
                expected=f"a closing parenthesis in {sql[level.name.start() :]!r}",
                received="the end of the expression",
                remedy="close it",
            )
