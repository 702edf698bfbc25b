"""Functions that mappings use: keyed pseudonyms in place of identifiers, and masks for what people wrote.

A mapping calls them inside its Spark SQL; `expanded` replaces each call by native SQL, so that no row passes through
Python and that they work inside lambda functions too, where Spark allows no SQL function of its user.

| function | gives |
|---|---|
| `pseudonym(kind, value)` | `kind:<32 hex digits>`, HMAC-SHA256 of the cleaned value; null if it names nobody |
| `keyed(text)` | 32 hex digits, HMAC-SHA256: ids of rows, which cannot be recomputed without the key |
| `address(text)` | the canonical text of an IPv4 or IPv6 address, whatever its spelling, port and brackets; else null |
| `network(address)` | an IPv4 address cut to its /24, an IPv6 address to its /48; null for what is no address |
| `in_network(address, network, ...)` | whether an address is in one of the networks, `'10.0.0.0/8'` |
| `forwarded(text, choice)` | the `'first'` or `'last'` public address of a forwarded list |
| `masked(text)` | free text without mark-up, mail and IP addresses, links, handles and phone numbers |
| `query_value(target, name)` | a decoded parameter of a request target; null where it is absent |
| `device_class(agent)` | desktop, mobile, tablet or other, from a user agent |
| `number(text, sign)` | a DOUBLE; `sign` is the decimal sign, `','` or `'.'`; null if it is no number |
| `moment(text, pattern, ...)` | a TIMESTAMP by the first pattern that fits (also `'iso'`, `'excel'`), or null |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contracts.errors import MappingError
from contracts.identifiers import Cleaning, current_cleaning
from contracts.pseudonyms import DIGITS
from spark_jobs.addresses import address_sql, forwarded_sql, in_network_sql, network_sql
from spark_jobs.identifier_sql import cleaned_sql
from spark_jobs.literals import sql_literal
from spark_jobs.numbers_and_moments import check_pattern, moment_sql, number_sql
from spark_jobs.sql_calls import Call, calls, literal

_BLOCK_BYTES = 64
"""Block size of SHA-256, RFC 2104."""

_MASKS = (
    # Signs that cannot be seen, and the wide at, which is read as one, would tear an address apart.
    (r"\p{Cf}+", ""),
    ("\uff20", "@"),
    # Against hostile texts: a group is repeated possessively, as else Java takes stack for each time; and a match
    # begins at the first of a run or where the last one ended (\G), as from each letter the whole run would be read.
    (r"\G([^<]*+)<[^>]*>", "$1 "),
    (r"(?<![\p{L}\p{M}\p{N}_.+-])@\w[\w.-]*@[\w-]+(?:\.[\w-]+)*+", "[handle]"),
    (
        r"(?:(?<![\p{L}\p{M}\p{N}_.+-])|\G)[\p{L}\p{M}\p{N}_.+-]+@[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)*+",
        "[email]",
    ),
    (r"(?i)\b(?:https?://|www\.)\S+", "[link]"),
    (r"@[\p{L}\p{N}_]+(?:@[\w.-]+)?", "[handle]"),
    (r"(?<![\w.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\w])", "[address]"),
    (r"(?i)(?<![\w:])[0-9a-f]{0,4}:[0-9a-f]{0,4}:[0-9a-f]{0,4}:[0-9a-f:.]*", "[address]"),
    (r"(?<!\w)\+?\d[\d ()./-]{6,}\d", "[phone]"),
    (r"\s+", " "),
)

_PHONE = "[phone]"

_DEVICES = (
    ("tablet", "(?i)ipad|tablet|kindle|silk|android(?!.*mobile)"),
    ("mobile", "(?i)mobile|iphone|android"),
    ("desktop", "(?i)windows|macintosh|x11|cros"),
)
"""Class of a device, and the pattern of its user agents; the first that matches holds."""


def masked_sql(text: str, *, phones: bool = True) -> str:
    """SQL for free text in which nobody is named; without `phones`, long numbers stay, as in titles with years."""
    for pattern, replacement in _MASKS:
        if phones or replacement != _PHONE:
            text = f"regexp_replace({text}, {sql_literal(pattern)}, {sql_literal(replacement)})"
    return f"trim({text})"


_READ_BY_PATTERN = ("to_timestamp", "try_to_timestamp", "to_date", "try_to_date", "unix_timestamp", "to_unix_timestamp")
"""Spark's own functions that read a text by a pattern, their second argument."""


@dataclass(frozen=True)
class _Function:
    parameters: tuple[str, ...]
    """Names of the arguments; after a last one `...`, the one before it may be repeated."""
    sql: Callable[..., str]
    """SQL of the arguments, each once a parameter -> SQL of the call."""

    def takes(self, count: int) -> bool:
        """Whether it can be called with so many arguments."""
        if self.parameters[-1] == "...":
            return count >= len(self.parameters) - 1
        return count == len(self.parameters)


class Functions:
    """The functions of this module, with pseudonyms under a chain of keys: `contracts/pseudonyms.py`."""

    def __init__(self, keys: Sequence[bytes], cleaning: Cleaning | None = None, *, as_of_old: bool = False) -> None:
        """The functions of one run.

        Args:
            keys: 32 bytes each, oldest first; without any, pseudonyms are the cleaned `kind:value`.
            cleaning: what is an identifier, by default as the rules of identity say.
            as_of_old: pseudonyms as releases made them that only trimmed and lower-cased (`pseudonym_of_old`).
        """
        self._keys = tuple(keys)
        self._cleaning = cleaning or current_cleaning()
        self._as_of_old = as_of_old
        self._functions = {
            "keyed": _Function(("text",), self._keyed),
            "pseudonym": _Function(("kind", "value"), self._pseudonym),
            "address": _Function(("text",), address_sql),
            "network": _Function(("address",), network_sql),
            "in_network": _Function(("address", "network", "..."), in_network_sql),
            "forwarded": _Function(("text", "choice"), forwarded_sql),
            "masked": _Function(("text",), masked_sql),
            "query_value": _Function(("target", "name"), _query_value),
            "device_class": _Function(("agent",), _device_class),
            "number": _Function(("text", "sign"), number_sql),
            "moment": _Function(("text", "pattern", "..."), moment_sql),
        }

    def _keyed(self, text: str) -> str:
        for key in self._keys:
            text = _hmac(key, text)
        return text

    def _pseudonym(self, kind: str, value: str) -> str:
        old = f"nullif(lower(trim({value})), '')"
        pseudonym = f"({kind} || ':' || {old if self._as_of_old else cleaned_sql(kind, value, self._cleaning)})"
        for key in self._keys:
            pseudonym = f"({kind} || ':' || {_hmac(key, pseudonym)})"
        return pseudonym

    def calls(self, sql: str, *names: str) -> list[Call]:
        """The calls of some functions in a mapping's SQL, unexpanded, without those in the body of a lambda."""
        return [call for call in calls(sql, names) if not call.in_lambda]

    def expanded(self, sql: str) -> str:
        """Spark SQL in which every call of a function of this module is replaced by native SQL.

        Raises:
            MappingError: a call has too few or too many arguments, or one that can be refused by itself (a sign, a
                datetime pattern), or its parentheses do not close.
        """
        for call in calls(sql, _READ_BY_PATTERN):
            if len(call.arguments) == 2 and literal(call.arguments[1]) is not None:
                check_pattern(call.arguments[1])
        parts, end = [], 0
        for call in calls(sql, self._functions):
            if call.start < end:  # within an argument of the call before, which was expanded with it
                continue
            function = self._functions[call.name]
            if not function.takes(len(call.arguments)):
                raise MappingError(
                    expected=f"{call.name}({', '.join(function.parameters)})",
                    received=repr(call.sql),
                    remedy="correct the call in the mapping",
                )
            parts += [sql[end : call.start], function.sql(*map(self.expanded, call.arguments))]
            end = call.start + len(call.sql)
        return "".join([*parts, sql[end:]])


def _hmac(key: bytes, text: str) -> str:
    """SQL for 32 hex digits: HMAC as two native hashes over the padded key, as Spark SQL has no function for it."""
    block = key.ljust(_BLOCK_BYTES, b"\0")
    inner = sql_literal(bytes(byte ^ 0x36 for byte in block))
    outer = sql_literal(bytes(byte ^ 0x5C for byte in block))
    return f"left(sha2({outer} || unhex(sha2({inner} || encode({text}, 'UTF-8'), 256)), 256), {DIGITS})"


def _query_value(target: str, name: str) -> str:
    """SQL of a parameter; one that cannot be decoded is as it stands, so that a `50%-off` is not lost.

    Most requests have no such parameter: they are not matched at all.
    """
    value = f"nullif(regexp_extract({target}, '[?&](?:amp;)?' || {name} || '=([^&#]*)', 1), '')"
    return f"if(instr({target}, {name} || '=') > 0, coalesce(try_url_decode({value}), {value}), null)"


def _device_class(agent: str) -> str:
    classes = " ".join(f"when {agent} rlike {sql_literal(pattern)} then '{name}'" for name, pattern in _DEVICES)
    return f"(case {classes} else 'other' end)"
