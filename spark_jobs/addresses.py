"""Internet addresses in SQL: read, not cut as text, so that every spelling of an address is one address.

Read are IPv4 and IPv6, with a port, in brackets, with a zone; an IPv6 address that only carries an IPv4 address
(`::ffff:203.0.113.7`) is that IPv4 address. All else, host names among it, is no address: null.

An IPv4 address takes one regular expression. Only what has a second colon reaches the steps for IPv6, which stand in
lambdas, as SQL has no other way to name a value within an expression.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from contracts.errors import MappingError
from spark_jobs.literals import sql_literal
from spark_jobs.sql_calls import literal

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PORT = "(?::[0-9]{1,5})?"
_IPV4 = rf"^\s*+((?:{_OCTET}\.){{2}}{_OCTET})(\.{_OCTET}){_PORT}\s*+\z"
"""Groups: the first three octets; the point and the last one."""
_ONLY_IPV4 = rf"(?s){_IPV4}|^.*\z"

_WITH_ZONE = r"([0-9A-Fa-f:.]{2,45})(?:%[^%\]\s]+)?"
_IPV6 = rf"(?s)^\s*+(?:\[{_WITH_ZONE}\]{_PORT}|{_WITH_ZONE})\s*+\z|^.*\z"
_GROUP = "[0-9a-f]{1,4}"
_GROUPS = f"(?:{_GROUP}(?::{_GROUP})*)?"
_EIGHT = "(?!:*(?:[0-9a-f]+:+){7}[0-9a-f])"
_WHOLE = rf"^(?:{_GROUP}(?::{_GROUP}){{7}}|{_EIGHT}{_GROUPS}::{_GROUPS})\z"
_LAST_FOUR_OCTETS = rf"^(.*:)({_OCTET})\.({_OCTET})\.({_OCTET})\.({_OCTET})\z"
_LONGEST_ZEROS = r"^(.*?)(?:^|:)(0(?::0)++)(?!.*(?<![0-9a-f])\2:0(?![0-9a-f]))(?::|\z)"
"""The first of the longest runs of two zero groups or more, as RFC 5952 shortens it."""

_CARRIES_IPV4 = "00000000000000000000ffff"
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10")
_PRIVATE += ("::1/128", "fc00::/7", "fe80::/10")

FIRST, LAST = "first", "last"


def address_sql(text: str) -> str:
    """SQL of the canonical text of an address (RFC 5952 for IPv6), or null."""
    parts = f"nullif(regexp_replace({text}, {sql_literal(_ONLY_IPV4)}, '$1$2'), '')"
    return f"coalesce({parts}, {_ipv6(text, _canonical)})"


def network_sql(text: str) -> str:
    """SQL of the network of an address: of IPv4 its /24, of IPv6 its /48; or null."""
    parts = f"nullif(regexp_extract({text}, {sql_literal(_IPV4)}, 1), '') || '.0/24'"
    return f"coalesce({parts}, {_ipv6(text, _network)})"


def in_network_sql(text: str, *networks: str) -> str:
    """SQL of whether an address is in one of some networks; false for what is no address.

    Args:
        networks: literals, such as `'10.0.0.0/8'` or `'2001:db8::/32'`.

    Raises:
        MappingError: one is no network.
    """
    found: dict[int, list[str]] = {4: [], 6: []}
    dotted = []
    for sql in networks:
        written = literal(sql)
        try:
            network = ipaddress.ip_network(written or "")
        except ValueError as error:
            raise MappingError(
                expected="networks in quotes, such as '10.0.0.0/8' or '2001:db8::/32'",
                received=f"{sql} ({error})" if written else sql,
                remedy="correct the call of in_network in the mapping",
            ) from None
        found[network.version].append(_digits_within(network))
        if network.version == 4:
            dotted.append(_octets_within(network))

    def any_of(digits: str, patterns: list[str]) -> str:
        return f"{digits} rlike {sql_literal(f'^(?:{chr(124).join(patterns)})')}" if patterns else "false"

    def inside(digits: str) -> str:
        carried = any_of(f"substr({digits}, 25)", found[4])
        return f"if({digits} like '{_CARRIES_IPV4}%', {carried}, {any_of(digits, found[6])})"

    plain = sql_literal(rf"^(?={_IPV4[1:]})\s*+(?:{'|'.join(dotted)})")
    four = f"{text} rlike {plain}" if dotted else "false"
    return f"(coalesce({four}, false) or coalesce({_ipv6(text, inside)}, false))"


def forwarded_sql(text: str, choice: str) -> str:
    """SQL of one address of a list `client, proxy1, proxy2` (X-Forwarded-For, or `for=` of Forwarded); or null.

    What is no address is passed over, and private addresses too unless there are no others.

    Args:
        choice: `'first'`, what the client's side says, which it can make up; or `'last'`, what the nearest proxy saw.

    Raises:
        MappingError: another choice.
    """
    if (chosen := literal(choice)) not in (FIRST, LAST):
        raise MappingError(
            expected="'first' or 'last' as the choice of forwarded(text, choice)",
            received=choice,
            remedy="say which address of the list is the visitor's",
        )
    part = "regexp_replace(nightshift_p, '(?i)^.*?for=\"?([^\";]*).*$|\"', '$1')"
    all_of_them = f"array_compact(transform(split({text}, ','), nightshift_p -> {address_sql(part)}))"
    if chosen == LAST:
        all_of_them = f"reverse({all_of_them})"
    private = in_network_sql("nightshift_r", *map(sql_literal, _PRIVATE))
    public = f"get(filter(nightshift_l, nightshift_r -> not {private}), 0)"
    return _let(all_of_them, "nightshift_l", f"coalesce({public}, get(nightshift_l, 0))")


def _let(value: str, name: str, body: str) -> str:
    """SQL of `body`, in which the lambda's variable `name` is the value."""
    return f"get(transform(array({value}), {name} -> {body}), 0)"


def _ipv6(text: str, body: Callable[[str], str]) -> str:
    """SQL of `body` of the 32 hex digits of an IPv6 address; null for what is none."""
    read = f"nullif(lower(regexp_replace({text}, {sql_literal(_IPV6)}, '$1$2')), '')"
    last = sql_literal(_LAST_FOUR_OCTETS)
    octets = [f"cast(regexp_extract(nightshift_t, {last}, {group}) as int)" for group in (2, 3, 4, 5)]
    four = f"format_string('%02x%02x:%02x%02x', {', '.join(octets)})"
    hexadecimal = f"if(nightshift_t rlike {last}, regexp_extract(nightshift_t, {last}, 1) || {four}, nightshift_t)"
    edges = "regexp_replace(regexp_replace(nightshift_h, '^::', '0::'), '::$', '::0')"
    missing = "8 - (length(nightshift_e) - length(replace(nightshift_e, ':', '')))"
    filled = f"if(nightshift_e like '%::%', replace(nightshift_e, '::', ':' || repeat('0:', {missing})), nightshift_e)"
    # three zeros before every group, then its last four digits
    digits = (
        f"regexp_replace(regexp_replace(':' || {filled}, ':', ':000'), ':[0-9a-f]*?([0-9a-f]{{4}})(?![0-9a-f])', '$1')"
    )
    checked = (
        f"if(nightshift_h rlike {sql_literal(_WHOLE)}, "
        f"{_let(edges, 'nightshift_e', _let(digits, 'nightshift_d', body('nightshift_d')))}, null)"
    )
    inner = _let(hexadecimal, "nightshift_h", checked)
    return f"if(instr({text}, ':') > 0, {_let(read, 'nightshift_t', inner)}, null)"


def _canonical(digits: str) -> str:
    short = f"regexp_replace({_groups(digits)}, {sql_literal(_LONGEST_ZEROS)}, '$1::')"
    return f"if({digits} like '{_CARRIES_IPV4}%', {_octets(digits, 4)}, {short})"


def _network(digits: str) -> str:
    short = f"regexp_replace({_groups(f'left({digits}, 12)')}, '(?:^0)?(?::0)*$', '') || '::/48'"
    return f"if({digits} like '{_CARRIES_IPV4}%', {_octets(digits, 3)} || '.0/24', {short})"


def _groups(digits: str) -> str:
    parted = f"regexp_replace({digits}, '(.{{4}})', ':$1')"
    return f"substr(regexp_replace({parted}, ':0{{1,3}}(?=[0-9a-f])', ':'), 2)"


def _octets(digits: str, count: int) -> str:
    octets = [f"conv(substr({digits}, {25 + 2 * place}, 2), 16, 10)" for place in range(count)]
    return f"concat_ws('.', {', '.join(octets)})"


def _digits_within(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    """The pattern of how the hex digits of the network's addresses begin."""
    whole = network.network_address.packed.hex()
    full, rest = divmod(network.prefixlen, 4)
    if not rest:
        return whole[:full]
    first = int(whole[full], 16)
    return f"{whole[:full]}[{''.join(f'{digit:x}' for digit in range(first, first + 2 ** (4 - rest)))}]"


def _octets_within(network: ipaddress.IPv4Network) -> str:
    """The pattern of how the dotted text of the network's addresses begins."""
    octets = network.network_address.packed
    full, rest = divmod(network.prefixlen, 8)
    begin = "".join(rf"{octet}\." for octet in octets[:full])
    if full == 4:
        return rf"{begin[:-2]}(?![0-9])"
    if not rest:
        return begin
    partial = "|".join(str(octets[full] + more) for more in range(2 ** (8 - rest)))
    return rf"{begin}(?:{partial})(?![0-9])"
