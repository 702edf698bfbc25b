"""A mapping file, read and checked against the contracts before Spark starts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from contracts.checked_yaml import YamlValue, advice, read_yaml
from contracts.errors import MappingError
from contracts.schema import Table
from contracts.tables import TABLES
from contracts.tables.mapped import MAPPED_TABLES
from contracts.tables.vocabulary import SESSION_SILENCE_MINUTES
from spark_jobs.mapping.reading import Reading, fields_named, reading_of
from spark_jobs.pseudonyms import Functions
from spark_jobs.sql_calls import calls

MAPPINGS = Path(__file__).resolve().parents[1] / "mappings"

_SECTIONS = ("about", "read", "key", "bots", "let", "drop", "quarantine", "sessions", "write")
_WRITE_KEYS = ("where", "for_each", "columns")
_FILLED_IN = ("source", "session_id")
"""Columns that no mapping gives: the job knows them."""


@dataclass(frozen=True)
class Writing:
    """Rows of one table that a raw row gives: target column -> Spark SQL expression."""

    table: Table
    columns: dict[str, str]
    where: str = "true"
    for_each: str = ""


@dataclass(frozen=True)
class Sessions:
    """How events fall into sessions."""

    by: str
    """Spark SQL for who is one visitor."""
    silence_minutes: int = SESSION_SILENCE_MINUTES


@dataclass(frozen=True)
class Spec:
    """One source's mapping; every value is Spark SQL over the raw fields and the names given under `let`."""

    source: str
    about: str
    read: Reading
    writings: tuple[Writing, ...]
    key: str
    let: dict[str, str]
    drop: dict[str, str]
    quarantine: dict[str, str]
    bots: str = ""
    sessions: Sessions | None = None

    def translated(self, translate: Callable[[str], str]) -> Spec:
        """The same mapping with `translate` applied to every expression in it."""

        def each(expressions: dict[str, str]) -> dict[str, str]:
            return {name: translate(expression) for name, expression in expressions.items()}

        return replace(
            self,
            key=translate(self.key),
            let=each(self.let),
            drop=each(self.drop),
            quarantine=each(self.quarantine),
            bots=translate(self.bots),
            sessions=self.sessions and replace(self.sessions, by=translate(self.sessions.by)),
            writings=tuple(
                replace(
                    writing,
                    columns=each(writing.columns),
                    where=translate(writing.where),
                    for_each=translate(writing.for_each),
                )
                for writing in self.writings
            ),
        )


def known_sources(folder: Path = MAPPINGS) -> list[str]:
    """The sources for which there is a mapping."""
    return sorted(file.stem for file in folder.glob("*.yml"))


def load_spec(source: str, folder: Path = MAPPINGS) -> Spec:
    """Read and check the mapping of one source.

    Raises:
        MappingError: there is no such mapping, or a name in it fits no contract (the error names file, line and what
            would have fitted), or a function of `pseudonyms.py` is called with too few or too many arguments.
    """
    file = folder / f"{source}.yml"
    if not file.is_file():
        sources = known_sources(folder)
        raise MappingError(
            expected=f"the name of a mapping in {folder}",
            received=repr(source),
            remedy=advice(source, sources) + ", or write that file (see docs/map.md)",
        )
    spec = _spec(source, read_yaml(file, MappingError))
    expressions: list[str] = []
    spec.translated(lambda sql: expressions.append(sql) or sql)
    spec.translated(Functions(keys=()).expanded)  # a wrong call of a function is an error before Spark starts
    let = _with_arguments_apart(spec.let, expressions)
    return replace(spec, read=replace(spec.read, used=fields_named(expressions)), let=let)


def _spec(source: str, root: YamlValue) -> Spec:
    sections = root.mapping(_SECTIONS, required=("read", "write"))
    return Spec(
        source=source,
        about=sections["about"].text().strip() if "about" in sections else "",
        read=reading_of(sections["read"]),
        writings=tuple(_writings(sections["write"])),
        key=_expression(sections.get("key"), "raw_text"),
        bots=_expression(sections.get("bots"), ""),
        sessions=_sessions(sections["sessions"]) if "sessions" in sections else None,
        let=_expressions(sections.get("let")),
        drop=_expressions(sections.get("drop")),
        quarantine=_expressions(sections.get("quarantine")),
    )


def _with_arguments_apart(let: Mapping[str, str], expressions: Iterable[str]) -> dict[str, str]:
    """The names under `let`, with one more before each pseudonym: for what is cleaned and hashed in it.

    The SQL of a pseudonym names its argument several times; a long one would be planned, and computed, as often.
    """
    taken = set(re.findall(r"\w+", " ".join([*let, *expressions])))
    apart: dict[str, str] = {}
    for name, sql in let.items():
        call = next((call for call in calls(sql, ["pseudonym"]) if call.sql == sql.strip()), None)
        if call is None or re.fullmatch(r"\w+", call.arguments[1]):
            apart[name] = sql
            continue
        argument = next(free for number in count() if (free := f"{name}_argument_{number}") not in taken)
        apart[argument] = call.arguments[1]
        apart[name] = f"pseudonym({call.arguments[0]}, {argument})"
    return apart


def _sessions(section: YamlValue) -> Sessions:
    fields = section.mapping(("by", "silence_minutes"), required=("by",))
    silence = (
        fields["silence_minutes"].whole_number(least=1) if "silence_minutes" in fields else SESSION_SILENCE_MINUTES
    )
    return Sessions(_expression(fields["by"]), silence)


def _writings(section: YamlValue) -> Iterable[Writing]:
    for table_name, clauses in section.mapping(table.name for table in MAPPED_TABLES).items():
        table = TABLES[table_name]
        for clause in clauses.items():
            fields = clause.mapping(_WRITE_KEYS, required=("columns",))
            columns = fields["columns"].mapping(
                (name for name in table.column_names if name not in _FILLED_IN),
                required=(name for name in table.required if name not in _FILLED_IN),
            )
            yield Writing(
                table,
                {column: _expression(value) for column, value in columns.items()},
                where=_expression(fields.get("where"), "true"),
                for_each=_expression(fields.get("for_each"), ""),
            )


def _expressions(section: YamlValue | None) -> dict[str, str]:
    return {name: _expression(value) for name, value in section.mapping().items()} if section else {}


def _expression(value: YamlValue | None, default: str = "") -> str:
    """Spark SQL; `true` and `5` are expressions too."""
    return default if value is None else str(value.scalar())
