"""The SQL by which mappings clean identifiers: the same steps and patterns as `contracts/identifiers.py` in Python."""

from __future__ import annotations

from contracts.errors import MappingError
from contracts.identifiers import BLANKS, HANDLE, INVISIBLE, MAIL, MOST_CHARACTERS, PLAIN, Cleaning
from contracts.tables.vocabulary import IDENTIFIER_KINDS
from spark_jobs.literals import sql_literal
from spark_jobs.sql_calls import literal


def cleaned_sql(kind: str, value: str, cleaning: Cleaning) -> str:
    """SQL of a raw identifier as it is hashed; null where it names nobody.

    Args:
        kind: SQL of the kind of identifier; a literal, or the pattern of each kind is part of the expression.

    Raises:
        MappingError: a literal that is no kind of identifier.
    """
    value = f"cast({value} as string)"
    name = literal(kind)
    if name is None:
        cases = " ".join(f"when '{one}' then {_of_kind(one, value, cleaning)}" for one in IDENTIFIER_KINDS)
        return f"(case {kind} {cases} end)"
    if name not in IDENTIFIER_KINDS:
        raise MappingError(
            expected=f"one of {', '.join(IDENTIFIER_KINDS)} as the kind of a pseudonym",
            received=repr(name),
            remedy="correct the call in the mapping",
        )
    return _of_kind(name, value, cleaning)


def _of_kind(kind: str, value: str, cleaning: Cleaning) -> str:
    compatible, blank = ("true", "") if kind == "email" else ("false", " ")
    plain = f"coalesce({value}, '')"
    other = _composed(f"replace(lower({_composed(_replaced(plain, INVISIBLE, ''), compatible)}), 'ς', 'σ')", compatible)
    other = _composed(_replaced(other, BLANKS, blank), compatible)  # what a blank kept apart may be one letter
    # most rows have no value or a plain one: what is costly stands last
    text = f"if({value} rlike {_whole(PLAIN)}, {value}, if({value} is null, null, {other}))"
    text = f"lower(trim({text}))"
    if kind == "email":
        text = f"regexp_extract(left(replace({text}, ' ', ''), {MOST_CHARACTERS}), {sql_literal('(?s)' + MAIL)}, 1)"
    elif kind == "handle":
        text = _replaced(text, HANDLE, "")
    for pattern in cleaning.removals(kind):
        text = _replaced(text, pattern, "")
    identifier = sql_literal(rf"(?s)^(?!(?:{cleaning.no_value(kind)})\z).+\z")
    return f"get(regexp_extract_all({text}, {identifier}, 0), 0)"


def _composed(text: str, compatible: str) -> str:
    """Unicode's composed form, NFC or (`compatible`) NFKC: Spark SQL has none, the library in it for collations has."""
    return f"reflect('com.ibm.icu.text.Normalizer', 'compose', {text}, {compatible})"


def _replaced(text: str, pattern: str, replacement: str) -> str:
    return f"regexp_replace({text}, {sql_literal(pattern)}, {sql_literal(replacement)})"


def _whole(pattern: str) -> str:
    return sql_literal(rf"^{pattern}\z")
