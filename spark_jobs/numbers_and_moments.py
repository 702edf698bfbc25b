"""Texts as numbers and points in time, where the mapping says how they are written; what is not understood is null.

All of it is native SQL, and what can be wrong about a date pattern is found before Spark starts: Spark itself ends
the job at a pattern that it cannot read, with a stack trace.
"""

from __future__ import annotations

import re

from contracts.errors import MappingError
from spark_jobs.literals import sql_literal
from spark_jobs.sql_calls import literal

_BLANKS = r"[\s\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]"
_CURRENCY = r"(?:\p{Sc}|[A-Z]{3})"
_GROUP_SIGNS = "\u00a0\u202f\u2009 '\u2019"
"""What stands between groups of three digits, beside the sign that is not the decimal sign."""

_EXCEL = r"^[0-9]{5,7}(?:[.,][0-9]{0,18})?$"
"""From 18 May 1927 on: a number of four digits is more often a year than a day before."""

_EXCEL_TO_UNIX_DAYS = 25_569
_LAST_EXCEL_DAY = 2_958_465
"""31 December 9999."""

_ISO = r"^\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?: ?(?:[Zz]|[+-]\d{2}(?::?\d{2})?))?)?$"
"""Spark's cast takes a time without a day too, and adds the day of its clock."""

WORDS = ("iso", "excel")
"""What stands in place of a pattern."""

_NOT_READ = {
    **dict.fromkeys("Eceu", "the day of the week"),
    **dict.fromkeys("WwYF", "the week or its year"),
    **dict.fromkeys("Qq", "the quarter"),
    **dict.fromkeys("ABnNp", "a day's part that Spark does not know"),
}
_MOST = {"y": 6, **dict.fromkeys("MLG", 4), **dict.fromkeys("dHhKkms", 2), "D": 3, "S": 9, "a": 1}
_MOST |= {"z": 4, "V": 2, "O": 4, **dict.fromkeys("XxZ", 5)}


def number_sql(text: str, sign: str) -> str:
    """SQL for a DOUBLE of a text whose decimal sign is `sign`, a literal `','` or `'.'`; null where it is no number.

    Currency signs or codes and blanks may stand around it. The other sign, blanks and apostrophes may part thousands:
    only where all groups have three digits, the first of one to three does not begin with 0, and the sign is one.

    Raises:
        MappingError: another sign.
    """
    decimal = literal(sign)
    if decimal not in (".", ","):
        raise MappingError(
            expected="'.' or ',' as the decimal sign of number(text, sign)",
            received=sign,
            remedy="write the sign before the decimals in quotes",
        )
    other = "," if decimal == "." else "."
    grouped = rf"[1-9]\d{{0,2}}([{other}{_GROUP_SIGNS}])\d{{3}}(?:\3\d{{3}}){{0,8}}"
    digits = rf"(?:{grouped}|\d{{1,30}})(?:[{decimal}]\d*+)?|[{decimal}]\d++"
    pattern = (
        rf"(?s)^{_BLANKS}*+(?:{_CURRENCY}{_BLANKS}*+)?([-+\u2212]?){_BLANKS}*+(?:{_CURRENCY}{_BLANKS}*+)?"
        rf"((?:{digits})(?:[eE][-+]?\d{{1,2}})?){_BLANKS}*+(?:{_CURRENCY}{_BLANKS}*+)?$|^.*$"
    )
    kept = f"regexp_replace(cast({text} as string), {sql_literal(pattern)}, '$1$2')"
    plain = f"translate({kept}, {sql_literal(decimal + chr(0x2212) + other + _GROUP_SIGNS)}, '.-')"
    return f"try_cast({plain} as double)"


def moment_sql(text: str, *patterns: str) -> str:
    """SQL for the TIMESTAMP of a text by the first pattern that fits it wholly; UTC where the text has no zone.

    Args:
        patterns: literals: datetime patterns of Spark; `iso`, for ISO 8601; `excel`, for Excel's serial days.

    Raises:
        MappingError: a pattern that Spark cannot read a text by.
    """
    text = f"regexp_replace(cast({text} as string), {sql_literal(f'^{_BLANKS}++|{_BLANKS}++$')}, '')"
    attempts = []
    for pattern in patterns:
        text_of_pattern = literal(pattern)
        if text_of_pattern == "iso":
            attempts.append(
                f"try_cast(translate(regexp_extract({text}, {sql_literal(_ISO)}, 0), ',', '.') as timestamp)"
            )
        elif text_of_pattern == "excel":
            attempts.append(_excel(text))
        else:
            check_pattern(pattern)
            attempts.append(f"try_to_timestamp({text}, {pattern})")
    return f"coalesce({', '.join(attempts)})"


def check_pattern(pattern: str) -> None:
    """Refuse a datetime pattern by which Spark cannot read a text.

    Args:
        pattern: SQL of it.

    Raises:
        MappingError: it is no literal, or has a letter, or too many of one, that Spark does not read.
    """
    text_of_pattern = literal(pattern)
    words = " or ".join(map(repr, WORDS))
    if text_of_pattern is None:
        raise MappingError(
            expected=f"datetime patterns in quotes, or {words}",
            received=pattern,
            remedy="write each pattern as a text in quotes, so that it can be checked",
        )
    bare = re.sub(r"'[^']*'", "''", text_of_pattern)
    remedy = "see the datetime patterns of Spark, such as 'dd.MM.yyyy HH:mm'"
    problem = ""
    if not bare.strip("' "):
        problem = "which has no field"
    elif bare.count("'") % 2:
        problem = "whose quotes do not close"
    elif bare.count("[") != bare.count("]"):
        problem = "whose brackets do not close"
    elif reserved := re.search("[#{}]", bare):
        problem = f"whose {reserved[0]} has to stand in quotes"
    for run in re.finditer(r"([A-Za-z])\1*", bare):
        letter, count = run[1], len(run[0])
        if problem:
            break
        if letter in _NOT_READ:
            problem = f"whose {run[0]} ({_NOT_READ[letter]}) Spark does not read"
            remedy = "take it out of the text and the pattern"
            rest = re.sub("^E+[, ]*", "", text_of_pattern)
            if rest != text_of_pattern:
                remedy += f", as in moment(regexp_replace(x, '^[A-Za-z]+[, ]*', ''), '{rest}')"
        elif letter not in _MOST:
            problem = f"whose {run[0]} is no field"
        elif count > _MOST[letter] or (letter == "V" and count != 2) or (letter == "O" and count not in (1, 4)):
            problem = f"whose {run[0]} has a length that Spark does not read"
    if problem:
        raise MappingError(
            expected=f"a datetime pattern by which Spark can read a text, or {words}",
            received=f"{text_of_pattern!r}, {problem}",
            remedy=remedy,
        )


def _excel(text: str) -> str:
    plain = f"translate(regexp_extract({text}, {sql_literal(_EXCEL)}, 0), ',', '.')"
    serial = f"try_cast({plain} as double)"
    seconds = f"round(({serial} - {_EXCEL_TO_UNIX_DAYS}) * 86400)"
    return f"if({serial} < {_LAST_EXCEL_DAY + 1}, timestamp_seconds(cast({seconds} as bigint)), null)"
