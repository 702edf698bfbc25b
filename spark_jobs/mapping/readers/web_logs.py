"""Web server logs of one line a request: Apache's, nginx's, a load balancer's, and any other by a pattern.

Every format gives the same fields. A line is matched once, by one pattern with a group a field.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from spark_jobs.literals import NO_STRINGS
from spark_jobs.mapping.readers.lines import LONGEST_LINE, read_lines
from spark_jobs.mapping.reading import Reading

FIELDS = (
    "host",
    "user",
    "logged_at",
    "method",
    "target",
    "status",
    "referer",
    "agent",
    "cookies",
    "forwarded",
    "vhost",
)
"""The fields of every log: address, account, time, the three parts of what was asked, headers."""

APACHE_TIME = "dd/MMM/yyyy:HH:mm:ss Z"

_SEPARATOR = "\u0001"

_QUOTED = r'"(?<{}>(?:[^"\\]++|\\.)*+)"'
_REST = r"(?:\s.*)?$"
_NO_OTHER_LINE = r"(?!.*\[\d\d/\w{3}/\d{4}:)"
"""From here on, the time of another line does not stand."""

_STATUS = r" (?<status>\d{3}) \S+"
_OPTIONAL = "(?: {})?".format


@dataclass(frozen=True)
class LogFormat:
    """How the lines of one log are taken apart."""

    pattern: str
    """With named groups: `request`, or `method` and `target`; `time`; and other names of `FIELDS`."""
    lenient: str = ""
    """Tried on the lines that the pattern does not match."""
    time: str = APACHE_TIME
    escapes: tuple[tuple[str, str], ...] = ((r'\\(["\\])', "$1"),)
    r"""(pattern, replacement) of what stands for a quotation mark within fields."""
    with_address: bool = False
    """What was asked begins with scheme and server."""


def _apache(*optional: str, server: str = "", headers: tuple[str, ...] = ("referer", "agent")) -> LogFormat:
    """A log of Apache's fields up to the status, with headers, and others that may follow.

    The host may be a forwarded list, and a user's name may have blanks. Where a time stands once more behind, two lines
    were written into one another, and it is no line of the log.
    """
    begin = rf"(?s)^{server}(?<host>(?:[^\s,]++, ?+)*+[^\s,]++) \S+ (?<user>[^\[\"]*?) \[(?<time>[^\]]*+)\] "
    further = "".join(_OPTIONAL(_QUOTED.format(name)) for name in optional) + rf"(?:\s{_NO_OTHER_LINE}.*)?$"
    escaped = begin + _QUOTED.format("request") + _STATUS + "".join(f" {_QUOTED.format(name)}" for name in headers)
    # a request whose quotation marks were not escaped: up to the last one before a status
    unescaped = (
        begin + rf'"{_NO_OTHER_LINE}(?<request>.*)"' + _STATUS + "".join(f' "(?<{name}>[^"]*+)"' for name in headers)
    )
    return LogFormat(escaped + further, unescaped + further)


_ALB = (
    r"(?s)^\S+ (?<time>\S+) \S+ (?<host>\S+) \S+ \S+ \S+ \S+ (?<status>\d{3}) \S+ \S+ \S+ "
    + _QUOTED.format("request")
    + " "
    + _QUOTED.format("agent")
    + _REST
)

FORMATS = {
    "apache_combined": _apache("cookies"),
    "apache_common": _apache(headers=()),
    "apache_vhost_combined": _apache("cookies", server=r"(?<vhost>\S+) "),
    "nginx": replace(_apache("forwarded"), escapes=((r"\\x22", '"'), (r"\\x5C", r"\\"))),
    "alb": LogFormat(_ALB, time="", with_address=True),
}


def read(session: SparkSession, reading: Reading, files: Sequence[Path], _: Path) -> DataFrame:
    """The fields of `FIELDS`, and those of a pattern's own groups as text; `-` and nothing are null."""
    log = FORMATS.get(reading.format) or LogFormat(reading.pattern, time=reading.time or APACHE_TIME, escapes=())
    groups = groups_of(log.pattern)
    rows = read_lines(session, files)
    marked = _matched(F.col("raw_text"), log.pattern, groups)
    if log.lenient:
        marked = F.when(F.startswith(marked, F.lit(_SEPARATOR)), marked).otherwise(
            _matched(F.col("raw_text"), log.lenient, groups)
        )
    fits = F.length("raw_text") <= LONGEST_LINE
    parts = F.when(fits & ~F.contains("raw_text", F.lit(_SEPARATOR)), F.split(marked, _SEPARATOR))
    rows = rows.withColumn("parts", parts)
    values = {name: _value(F.get("parts", F.lit(place)), log) for place, name in enumerate(groups, start=1)}
    is_row = F.coalesce(F.size("parts") == len(groups) + 1, F.lit(False))
    return with_requests(rows, values, log.time, log.with_address, is_row)


def with_requests(
    rows: DataFrame, values: dict[str, Column], time: str, with_address: bool, is_row: Column
) -> DataFrame:
    """Rows of `read_lines` with the fields of a log.

    Args:
        values: `time`, `status`, `request` or `method` and `target`, and others, as text; null where there is none.
        time: pattern of the times; nothing for those that Spark reads without one.
        with_address: see `LogFormat`.
        is_row: whether a line is one of the log at all.
    """
    own = [name for name in values if name not in (*FIELDS, "time", "request")]
    if "request" in values:
        request = F.coalesce(values["request"], F.lit(""))
        values |= {
            "method": F.substring_index(request, " ", 1),
            "target": F.regexp_extract(request, r"(?s)^\S++ (.*?)(?: HTTP/\d(?:\.\d)?)?$", 1),
        }
    if with_address:
        address = values["target"]
        values |= {
            "target": F.regexp_replace(address, "^[A-Za-z][A-Za-z0-9+.-]*://[^/]*", ""),
            "vhost": F.nullif(F.regexp_extract(address, "^[A-Za-z][A-Za-z0-9+.-]*://([^/]*)", 1), F.lit("")),
            "host": F.regexp_replace(F.regexp_replace(values["host"], r":\d+$", ""), r"[\[\]]", ""),
        }
    if time:
        values["logged_at"] = F.try_to_timestamp(values["time"], F.lit(time))
    else:  # Spark would take a time without a date to be of today
        dated = F.when(values["time"].rlike(r"^\d{4}-\d"), values["time"])
        values["logged_at"] = F.try_to_timestamp(dated)
    none = F.lit(None).cast("string")
    found = rows.select(
        *("raw_ds", "raw_file", "raw_text", "raw_dropped", "encoding_problem"),
        *(name for name in ("raw_row", "raw_fields", "raw_unknown") if name in rows.columns),
        is_row.alias("is_row"),
        *(values.get(name, none).alias(name) for name in (*FIELDS, *own)),
    )
    status_fits = F.col("status").rlike(r"^\d{3}$") if "status" in values else F.lit(True)
    malformed = ~(F.col("is_row") & F.col("logged_at").isNotNull() & F.coalesce(status_fits, F.lit(False)))
    unknown = F.col("raw_unknown") if "raw_unknown" in rows.columns else F.expr(NO_STRINGS)
    return found.select(
        *("raw_ds", "raw_file", "raw_text", "raw_dropped"),
        *(name for name in ("raw_row", "raw_fields") if name in rows.columns),
        F.coalesce("encoding_problem", F.when(malformed, F.lit("malformed"))).alias("raw_problem"),
        unknown.alias("raw_unknown"),
        *(F.expr("try_cast(status as int)").alias(name) if name == "status" else F.col(name) for name in FIELDS),
        *own,
    )


def groups_of(pattern: str) -> list[str]:
    """The names of a pattern's groups, in their order."""
    return re.findall(r"\(\?<([A-Za-z]\w*)>", pattern)


def _matched(text: Column, pattern: str, groups: Sequence[str]) -> Column:
    """The groups of a text between separators, the first behind one; the text itself where the pattern fits not."""
    return F.regexp_replace(text, pattern, "".join(f"{_SEPARATOR}${{{name}}}" for name in groups))


def _value(part: Column, log: LogFormat) -> Column:
    for escape, sign in log.escapes:
        part = F.when(F.contains(part, F.lit("\\")), F.regexp_replace(part, escape, sign)).otherwise(part)
    return F.when(part.isin("-", ""), None).otherwise(part)
