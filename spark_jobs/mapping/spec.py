"""A mapping file, read and checked against the contracts before Spark starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from contracts.checked_yaml import CheckedYaml, advice
from contracts.errors import MappingError
from contracts.schema import Table
from contracts.tables import TABLES
from contracts.tables.mapped import MAPPED_TABLES
from contracts.tables.vocabulary import SESSION_SILENCE_MINUTES
from spark_jobs.pseudonyms import Functions

MAPPINGS = Path(__file__).resolve().parents[1] / "mappings"

FORMATS = ("json_lines", "apache_combined", "delimited", "csv")

_SECTIONS = ("about", "read", "key", "bots", "let", "drop", "quarantine", "sessions", "write")
_READ_KEYS = (
    *("format", "files", "delivery", "quarantine_limit_share"),
    *("schema", "ignore", "separator", "columns", "header_rows", "key_columns", "questions"),
)
_WRITE_KEYS = ("where", "for_each", "columns")
_FILLED_IN = ("source", "session_id")
"""Columns that no mapping gives: the job knows them."""


@dataclass(frozen=True)
class Reading:
    """How the raw files of a source are read; what the formats need is explained in docs/map.md."""

    format: str
    files: str
    delivery: str = "daily"
    quarantine_limit_share: float = 0.05
    schema: str = ""
    ignore: tuple[str, ...] = ()
    separator: str = ""
    columns: tuple[str, ...] = ()
    header_rows: int = 1
    key_columns: tuple[str, ...] = ()
    questions: str = ""


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
    spec = _Checked(file).spec()
    spec.translated(Functions(keys=()).expanded)  # a wrong call of a function is an error before Spark starts
    return spec


class _Checked(CheckedYaml):
    """The content of one mapping file."""

    fault = MappingError

    def spec(self) -> Spec:
        self._names((), self.content, _SECTIONS)
        for section in ("read", "write"):
            self._present((), section)
        return Spec(
            source=self.file.stem,
            about=str(self.content.get("about", "")).strip(),
            read=self._reading(),
            writings=tuple(self._writings()),
            key=str(self.content.get("key", "raw_text")),
            let=self._expressions("let"),
            drop=self._expressions("drop"),
            quarantine=self._expressions("quarantine"),
            bots=str(self.content.get("bots", "")),
            sessions=self._sessions(),
        )

    def _reading(self) -> Reading:
        read = self.content["read"]
        self._names(("read",), read, _READ_KEYS)
        for key in ("format", "files"):
            self._present(("read",), key)
        self._one_of(("read", "format"), read["format"], FORMATS)
        self._one_of(("read", "delivery"), read.get("delivery", "daily"), ("daily", "occasional"))
        lists = {key: tuple(read[key]) for key in ("ignore", "columns", "key_columns") if key in read}
        return Reading(**{**read, **lists})

    def _sessions(self) -> Sessions | None:
        sessions = self.content.get("sessions")
        if sessions is None:
            return None
        self._names(("sessions",), sessions, ("by", "silence_minutes"))
        self._present(("sessions",), "by")
        return Sessions(**sessions)

    def _writings(self) -> Iterable[Writing]:
        self._names(("write",), self.content["write"], [table.name for table in MAPPED_TABLES])
        for table_name, clauses in self.content["write"].items():
            table = TABLES[table_name]
            for index, clause in enumerate(clauses):
                at = ("write", table_name, index)
                self._names(at, clause, _WRITE_KEYS)
                self._present(at, "columns")
                given = [name for name in table.column_names if name not in _FILLED_IN]
                self._names((*at, "columns"), clause["columns"], given)
                for column in table.required:
                    if column not in _FILLED_IN:
                        self._present((*at, "columns"), column)
                yield Writing(
                    table,
                    {column: str(expression) for column, expression in clause["columns"].items()},
                    where=str(clause.get("where", "true")),
                    for_each=str(clause.get("for_each", "")),
                )

    def _expressions(self, section: str) -> dict[str, str]:
        return {name: str(expression) for name, expression in (self.content.get(section) or {}).items()}
