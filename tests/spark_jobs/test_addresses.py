"""Addresses in SQL: spellings with values written by hand, and Python's ipaddress as the oracle of made-up ones."""

from __future__ import annotations

import ipaddress
import random

import pytest
from pyspark.sql import functions as F

from contracts.errors import MappingError
from spark_jobs.pseudonyms import Functions

SPELLINGS = {
    "203.0.113.7": ("203.0.113.7", "203.0.113.0/24"),
    " 203.0.113.7 ": ("203.0.113.7", "203.0.113.0/24"),
    "203.0.113.7:51234": ("203.0.113.7", "203.0.113.0/24"),
    "203.77.1.2:40000": ("203.77.1.2", "203.77.1.0/24"),
    "::ffff:203.0.113.7": ("203.0.113.7", "203.0.113.0/24"),
    "::FFFF:cb00:7107": ("203.0.113.7", "203.0.113.0/24"),
    "0:0:0:0:0:ffff:203.0.113.7": ("203.0.113.7", "203.0.113.0/24"),
    "[::ffff:198.51.100.9]:443": ("198.51.100.9", "198.51.100.0/24"),
    "2001:DB8:0:0::1": ("2001:db8::1", "2001:db8::/48"),
    "2001:0db8:0000:0000:0000:0000:0000:0001": ("2001:db8::1", "2001:db8::/48"),
    "[2001:db8::1]:443": ("2001:db8::1", "2001:db8::/48"),
    "[2001:db8::1]": ("2001:db8::1", "2001:db8::/48"),
    "2001:db8:1:2:3:4:5:6": ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
    "2001:db8:0:1:0:0:0:1": ("2001:db8:0:1::1", "2001:db8::/48"),
    "2001:0:1:0:0:2:0:0": ("2001:0:1::2:0:0", "2001:0:1::/48"),
    "1:0:0:2:0:0:0:3": ("1:0:0:2::3", "1::/48"),
    "10:0:0:10:0:0:0:a": ("10:0:0:10::a", "10::/48"),
    "64:ff9b::192.0.2.33": ("64:ff9b::c000:221", "64:ff9b::/48"),
    "fe80::1%eth0": ("fe80::1", "fe80::/48"),
    "[fe80::1%25eth0]:80": ("fe80::1", "fe80::/48"),
    "::": ("::", "::/48"),
    "::1": ("::1", "::/48"),
    "1::": ("1::", "1::/48"),
    "1:2:3:4:5:6:7::": ("1:2:3:4:5:6:7:0", "1:2:3::/48"),
    "0:0:a::": ("0:0:a::", "0:0:a::/48"),
    "1:2:3:4::5:6:7:8": None,
    "1:2:3": None,
    "1::2::3": None,
    ":::": None,
    "12345::": None,
    "2001:db8::1:443:g": None,
    "256.1.1.1": None,
    "203.0.113": None,
    "203.000.113.007": None,
    "::ffff:203.0.113.777": None,
    "www.example.org": None,
    "unknown": None,
    "-": None,
    "": None,
    "203.0.113.7, 10.0.0.1": None,
    "203.0.113.7\n203.0.113.8": None,
}
OWN = "in_network(text, '127.0.0.0/8', '::1/128', '172.16.0.0/12', '203.0.113.7/32', '2001:db8::/33')"
INSIDE = {
    "127.0.0.1": True,
    "127.9.9.9:80": True,
    "::ffff:127.0.0.1": True,
    "::1": True,
    "[::1]:80": True,
    "172.31.255.255": True,
    "172.32.0.1": False,
    "172.1.0.1": False,
    "203.0.113.7": True,
    "203.0.113.70": False,
    "::ffff:cb00:7107": True,
    "2001:db8:7fff::1": True,
    "2001:db8:8000::1": False,
    "127.0.0.1.example.org": False,
    "localhost": False,
    None: False,
}
FORWARDED = {
    "203.0.113.7": ("203.0.113.7", "203.0.113.7"),
    "198.51.100.1, 203.0.113.7, 10.0.0.1": ("198.51.100.1", "203.0.113.7"),
    "10.0.0.9, unknown, 10.0.0.1": ("10.0.0.9", "10.0.0.1"),
    "unknown,-": (None, None),
    'for="[2001:db8::1]:4711";proto=https, For=203.0.113.7;by=10.0.0.1': ("2001:db8::1", "203.0.113.7"),
    "::1, fe80::1, 2001:DB8:0::2": ("2001:db8::2", "2001:db8::2"),
    None: (None, None),
}


def values_of(spark, texts, *expressions: str) -> dict:
    rows = spark.createDataFrame([(text,) for text in texts], "text string").repartition(1)
    found = rows.select("text", *(F.expr(Functions(()).expanded(expression)) for expression in expressions)).collect()
    return {row[0]: row[1] if len(expressions) == 1 else tuple(row[1:]) for row in found}


def test_every_spelling_of_an_address_is_that_address(spark):
    expected = {text: pair or (None, None) for text, pair in SPELLINGS.items()}
    found = values_of(spark, [*SPELLINGS, None], "address(text)", "network(text)")
    assert found == {**expected, None: (None, None)}


def test_own_traffic_is_told_by_networks(spark):
    assert values_of(spark, INSIDE, OWN) == INSIDE


def test_of_a_forwarded_list_the_stated_public_address_counts(spark):
    assert values_of(spark, FORWARDED, "forwarded(text, 'first')", "forwarded(text, 'last')") == FORWARDED


def test_addresses_and_networks_are_those_of_python(spark):
    rng = random.Random(7)
    expected = {}
    for _ in range(3000):
        groups = [rng.choice([0, 0, 0, 1, 16, rng.randrange(65536)]) for _ in range(8)]
        if rng.random() < 0.1:
            groups[:6] = [0, 0, 0, 0, 0, 65535]
        address = ipaddress.IPv6Address(b"".join(group.to_bytes(2, "big") for group in groups))
        spelling = rng.choice([address.exploded, address.compressed, ":".join(f"{group:X}" for group in groups)])
        four = address.ipv4_mapped
        network = ipaddress.ip_network((four or address, 24 if four else 48), strict=False)
        expected[spelling] = (str(four or address), str(network), address in ipaddress.ip_network("::/19"))
    for _ in range(1000):
        text = ".".join(str(rng.choice([0, 9, 10, 99, 100, 199, 255, 256, 300, rng.randrange(400)])) for _ in range(4))
        try:
            four = ipaddress.IPv4Address(text)
            expected[text] = (text, str(ipaddress.ip_network((four, 24), strict=False)), False)
        except ValueError:
            expected[text] = (None, None, False)
    for _ in range(2000):
        text = "".join(rng.choice(["::", ":", ":", "0", "f", "1a2b", "1.2.3.4"]) for _ in range(rng.randrange(1, 18)))
        try:
            six = ipaddress.ip_address(text)
        except ValueError:
            expected[text] = (None, None, False)
            continue
        four = getattr(six, "ipv4_mapped", None) or (six if six.version == 4 else None)
        network = ipaddress.ip_network((four or six, 24 if four else 48), strict=False)
        expected[text] = (str(four or six), str(network), four is None and six in ipaddress.ip_network("::/19"))
    for text in [text for text in expected if expected[text][0] and "." in expected[text][0]]:
        expected[text] = (*expected[text][:2], False)
    assert values_of(spark, expected, "address(text)", "network(text)", "in_network(text, '::/19')") == expected


def test_they_work_within_lambdas_and_within_other_calls(spark):
    row = spark.range(1).selectExpr(
        Functions(()).expanded("transform(array('::ffff:203.0.113.7', 'x'), each -> network(address(each)))"),
        Functions(()).expanded("pseudonym('visitor', coalesce(network('[2001:db8::1]:1'), 'host') || ' agent')"),
    )
    assert list(row.first()) == [["203.0.113.0/24", None], "visitor:2001:db8::/48 agent"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("in_network(host, '10.0.0.1/8')", "host bits"),
        ("in_network(host, own)", "networks in quotes"),
        ("in_network(host)", "in_network\\(address, network, ...\\)"),
        ("forwarded(host, 'middle')", "'first' or 'last'"),
    ],
)
def test_a_wrong_network_is_one_sentence_before_spark_starts(call, words):
    with pytest.raises(MappingError, match=words):
        Functions(()).expanded(call)
