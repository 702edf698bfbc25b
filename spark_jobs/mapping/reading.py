"""The `read` section of a mapping: how the raw files of a source are read, with the keys that each format has."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from contracts.checked_yaml import YamlValue, advice
from spark_jobs.literals import sql_literal
from spark_jobs.numbers_and_moments import check_pattern

COMMON_KEYS = ("format", "files", "folders", "delivery", "quarantine_limit_share")
"""Keys that a mapping of every format has."""

ENCODINGS = (
    *("utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1250", "cp1251", "cp1252"),
    *("iso-8859-1", "iso-8859-2", "iso-8859-15", "mac-roman", "shift-jis", "gb18030"),
)

LOG_FIELDS = (
    *("host", "user", "time", "request", "method", "target", "status"),
    *("referer", "agent", "cookies", "forwarded", "vhost"),
)
"""What a mapping may name in a log of its own."""


@dataclass(frozen=True)
class FormatKeys:
    """The keys of one format beside the common ones."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every key that a mapping of this format may have."""
        return (*COMMON_KEYS, *self.required, *self.optional)


FORMATS = {
    "json_lines": FormatKeys(("schema",), ("ignore", "encoding")),
    "json": FormatKeys(("schema",), ("ignore", "records", "encoding")),
    "csv": FormatKeys(
        (), ("separator", "encoding", "header_rows", "key_columns", "key", "columns", "questions", "ignore")
    ),
    "delimited": FormatKeys(("separator", "columns"), ("encoding",)),
    "parquet": FormatKeys(("schema",), ("ignore",)),
    "apache_combined": FormatKeys(),
    "apache_common": FormatKeys(),
    "apache_vhost_combined": FormatKeys(),
    "nginx": FormatKeys(),
    "nginx_json": FormatKeys((), ("fields", "ignore")),
    "w3c": FormatKeys(),
    "cloudfront": FormatKeys(),
    "alb": FormatKeys(),
    "log_pattern": FormatKeys(("pattern",), ("time",)),
}
"""Format as `read.format` names it -> its keys; `readers/formats.py` has its reader."""


@dataclass(frozen=True)
class Reading:
    """How the raw files of a source are read; the keys are explained in docs/map.md."""

    format: str
    files: str
    folders: tuple[str, ...] = ()
    """Patterns of folders within a day's that belong to the delivery, such as that of its pictures."""
    delivery: str = "daily"
    quarantine_limit_share: float = 0.05
    schema: str = ""
    ignore: tuple[str, ...] = ()
    records: str = ""
    """Dotted path of the array whose elements are the rows of a JSON document."""
    separator: str = ""
    encoding: str = "utf-8"
    """Of files without a byte order mark, which decides where there is one."""
    columns: tuple[str, ...] = ()
    header_rows: int = 1
    key_columns: tuple[str, ...] = ()
    key: str = ""
    """`row` where a row's key is its file and its number in it."""
    questions: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    """(field of a log, name of it in the file) pairs."""
    pattern: str = ""
    time: str = ""
    used: tuple[str, ...] | None = None
    """Columns of a table that the mapping's expressions name; None where one takes all of them."""


def reading_of(section: YamlValue) -> Reading:
    """Read and check the section `read`.

    Raises:
        the file's fault: a key is missing, is not one of the format's, or has a value that does not fit; the error
            names file, line, and the keys that the format has.
    """
    stated = section.mapping(required=("format", "files"))
    name = stated["format"].one_of(FORMATS)
    for key, value in stated.items():
        if key not in FORMATS[name].all:
            _refuse_key(name, key, value)
    section.mapping(required=FORMATS[name].required)
    values = {key: _READ[key](value) for key, value in stated.items()}
    if name == "csv":
        _check_csv(section, stated)
        values.setdefault("separator", ",")
    return Reading(**values)


def fields_named(expressions: Iterable[str]) -> tuple[str, ...] | None:
    """The columns that expressions take from `raw_fields`; None where one takes more than a column by its title."""
    text = "\n".join(expressions)
    named = re.findall(r"\braw_fields\s*\[\s*'((?:[^'\\]|\\.|'')*)'\s*\]", text)
    if len(named) < len(re.findall(r"\braw_fields\b", text)):
        return None
    return tuple(sorted({re.sub(r"\\(.)|'(')", r"\1\2", title) for title in named}))


def _refuse_key(name: str, key: str, value: YamlValue) -> None:
    others = [other for other, keys in FORMATS.items() if key in keys.all]
    raise value.error(
        f"a key of the format {name} ({', '.join(FORMATS[name].all)})",
        repr(key),
        f"that key belongs to {', '.join(others)}" if others else advice(key, FORMATS[name].all),
    )


def _check_csv(section: YamlValue, stated: dict[str, YamlValue]) -> None:
    if ("key" in stated) == ("key_columns" in stated):
        raise section.error(
            "either 'key_columns' or 'key: row' under read",
            "both" if "key" in stated else "neither",
            "name the columns that may hold a row's id, or write `key: row` where the rows have none",
        )
    if "separator" in stated and len(_separator(stated["separator"])) != 1:
        raise stated["separator"].misfit("one character", "a longer one can stand between fields of format: delimited")


def _separator(value: YamlValue) -> str:
    text = value.text()
    return {"tab": "\t", r"\t": "\t"}.get(text, text)


def _encoding(value: YamlValue) -> str:
    text = value.text().lower().replace("_", "-")
    for known in ENCODINGS:
        try:
            if text == known or codecs.lookup(text) == codecs.lookup(known):
                return known
        except LookupError:
            break
    return value.one_of(ENCODINGS)


def _expression(value: YamlValue) -> str:
    text = value.text()
    try:
        re.compile(text)
    except re.error as error:
        raise value.misfit("a regular expression", f"correct it: {error}") from None
    return text


def _pattern(value: YamlValue) -> str:
    """A pattern with named groups, as Java writes them; Python's own spelling of them is taken too."""
    text = value.text().replace("(?P<", "(?<")
    try:
        groups = re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", text)).groupindex
    except re.error as error:
        raise value.misfit("a regular expression", f"correct it: {error}") from None
    if "time" not in groups or not {"request", "target"} & set(groups):
        raise value.error(
            "the named groups 'time' and 'request' (or 'method' and 'target') in the pattern",
            f"the groups {', '.join(groups) or 'none'}",
            "name a group as (?<time>...)",
        )
    # Java takes stack for every time that a group is repeated, unless it is repeated possessively
    if re.search(r"(?<!\\)\)(?:[*+]|\{\d*,\})(?![+])", text):
        raise value.misfit(
            "groups that are repeated possessively, as (...)*+ and (...)++",
            "write a + behind the repetition: a long line would exhaust the memory of the pattern otherwise",
        )
    return text


def _time(value: YamlValue) -> str:
    text = value.text()
    check_pattern(sql_literal(text))
    return text


def _texts(value: YamlValue) -> tuple[str, ...]:
    return tuple(item.text() for item in value.items())


_READ: dict[str, Callable[[YamlValue], Any]] = {
    "format": lambda value: value.one_of(FORMATS),
    "files": YamlValue.text,
    "folders": _texts,
    "delivery": lambda value: value.one_of(("daily", "occasional")),
    "quarantine_limit_share": lambda value: value.number(0, 1),
    "schema": YamlValue.text,
    "ignore": _texts,
    "records": YamlValue.text,
    "separator": _separator,
    "encoding": _encoding,
    "columns": _texts,
    "header_rows": lambda value: value.whole_number(least=1),
    "key_columns": _texts,
    "key": lambda value: value.one_of(("row",)),
    "questions": _expression,
    "fields": lambda value: tuple((field, name.text()) for field, name in value.mapping(LOG_FIELDS).items()),
    "pattern": _pattern,
    "time": _time,
}
"""Key -> how its value is read."""
