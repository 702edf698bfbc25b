"""Keyed pseudonyms and masks, as native Spark SQL; expected values from Python's hmac or written by hand."""

from __future__ import annotations

import hashlib
import hmac
import time

import pytest
from pyspark.sql import functions as F

from contracts.errors import MappingError
from contracts.pseudonyms import keyed, pseudonym, rekeyed
from spark_jobs.pseudonyms import Functions
from tests.spark_jobs.feeds_by_hand import FIREFOX

KEY = bytes(range(32))


def digest(text: str, key: bytes = KEY) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]


@pytest.fixture(scope="module")
def value_of(spark):
    """Evaluate expressions of a mapping, all in one query; each may use the columns of `row`."""

    def evaluate(expressions: list[str], row: dict | None = None, keys: tuple[bytes, ...] = (KEY,)) -> list:
        functions = Functions(keys)
        rows = spark.range(1).select(*(F.lit(value).alias(name) for name, value in (row or {"none": 0}).items()))
        return list(rows.select(*(F.expr(functions.expanded(text)) for text in expressions)).first())

    return evaluate


def test_pseudonyms_are_hmac_sha256_of_the_cleaned_value(value_of):
    cases = [
        ("account", "anna01", "anna01"),
        ("account", "  Anna01 ", "anna01"),
        ("email", "Zoë.Ångström@Example.org", "zoë.ångström@example.org"),
        ("handle", "名前@social.example", "名前@social.example"),
        ("cookie", "a'b \\ c", "a'b \\ c"),
    ]
    row = {f"value_{index}": value for index, (_, value, _) in enumerate(cases)}
    found = value_of([f"pseudonym('{kind}', value_{index})" for index, (kind, _, _) in enumerate(cases)], row)
    assert found == [f"{kind}:{digest(f'{kind}:{cleaned}')}" for kind, _, cleaned in cases]


def test_nothing_to_name_has_no_pseudonym(value_of):
    assert value_of(["pseudonym('account', cast(null as string))", "pseudonym('account', '  ')", "keyed(null)"]) == [
        None,
        None,
        None,
    ]


def test_keyed_takes_the_text_as_it_is_and_depends_on_the_key(value_of):
    other = bytes(32)
    assert value_of(["keyed(' Anna ')"]) == [digest(" Anna ")]
    assert value_of(["keyed(' Anna ')"], keys=(other,)) == [digest(" Anna ", other)]
    assert digest(" Anna ", other) != digest(" Anna ")


def test_calls_work_inside_lambdas_and_inside_each_other(value_of):
    inside, nested = value_of(
        [
            "transform(array('a', 'b'), name -> pseudonym('handle', name))",
            "pseudonym('visitor', network(query_value('/?from=192.0.2.77', 'from')) || ' ' || lower('X(,)'))",
        ]
    )
    assert inside == [f"handle:{digest('handle:a')}", f"handle:{digest('handle:b')}"]
    assert nested == f"visitor:{digest('visitor:192.0.2.0/24 x(,)')}"


def test_text_in_quotes_and_longer_names_are_not_calls():
    for sql in ("'pseudonym(x)'", "concat('masked(', a, ')')", "my_network(host)", "masked", r"'it\'s keyed(x)'"):
        assert Functions([KEY]).expanded(sql) == sql


def test_the_key_itself_does_not_stand_in_the_expression():
    assert KEY.hex() not in Functions([KEY]).expanded("pseudonym('account', user)")


@pytest.mark.parametrize("call", ["pseudonym(user)", "network(a, b)", "query_value(target)", "keyed('a', 'b,c')"])
def test_a_wrong_number_of_arguments_is_an_error_that_shows_the_call(call):
    with pytest.raises(MappingError) as error:
        Functions([KEY]).expanded(f"coalesce({call}, 'x')")
    assert repr(call) in str(error.value) or call in str(error.value)
    assert "correct the call" in str(error.value)


def test_a_call_that_does_not_close_is_an_error():
    with pytest.raises(MappingError, match="closing parenthesis"):
        Functions([KEY]).expanded("pseudonym('account', lower(user)")


def test_masking_leaves_the_words_and_nothing_that_leads_to_a_person(value_of):
    text = (
        "<p>Write to  anna.berg+shop@mail.example.org, call +49 (30) 1234-5678 or 030/1234567,\n"
        "see https://example.org/u/anna?x=1 or www.anna.example and ask @anna or @bo@social.example<br/>by 2026</p>"
    )
    assert value_of(["masked(text)"], {"text": text}) == [
        "Write to [email], call [phone] or [phone], see [link] or [link] and ask [handle] or [handle] by 2026"
    ]


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("a@b" + ".c" * 100_000, "[email]"),
        ("@a@b" + ".c" * 100_000, "[handle]"),
        ("x" * 300_000, "x" * 300_000),
        ("<" * 300_000, "<" * 300_000),
    ],
    ids=["mail", "handle", "word", "mark-up"],
)
def test_a_text_without_end_takes_neither_stack_nor_minutes(value_of, hostile, shown):
    started = time.monotonic()
    assert value_of(["masked(text)"], {"text": hostile}) == [shown]
    assert time.monotonic() - started < 30  # the square of its length took many minutes


def test_a_newer_key_hashes_what_the_older_ones_gave(value_of):
    newer = bytes(reversed(range(32)))
    account = f"account:{digest('account:anna01')}"
    assert value_of(["pseudonym('account', ' Anna01')", "keyed('x 1')"], keys=(KEY, newer)) == [
        f"account:{digest(account, newer)}",
        digest(digest("x 1"), newer),
    ]
    assert pseudonym((KEY, newer), "account", " Anna01") == rekeyed(newer, account)
    assert keyed((KEY, newer), "x 1") == digest(digest("x 1"), newer)


def test_masking_leaves_nothing_between_matches(value_of):
    texts = {
        "anna@a.org+bob@b.org": "[email][email]",
        "anna@a.org..bob@b.org": "[email][email]",
        'see <a title="anna <x"> here': "see here",
        "1 < 2 <b>and</b> 3 < 4": "1 and 3 < 4",
    }
    row = {f"text_{number}": text for number, text in enumerate(texts)}
    assert value_of([f"masked({name})" for name in row], row) == list(texts.values())


def test_masking_keeps_text_that_names_nobody(value_of):
    harmless = "I paid 12.50 for 3 shoes (size 42) at 10:30, 100% ok & a < b"
    assert value_of(["masked(text)", "masked(null)"], {"text": harmless}) == [harmless, None]


def test_addresses_are_cut_to_their_network(value_of):
    addresses = ["203.0.113.77", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::3", "unknown", "10.0.0"]
    assert value_of([f"network('{address}')" for address in addresses]) == [
        "203.0.113.0/24",
        "2001:db8:1::/48",
        "2001:db8:1::/48",
        None,
        None,
    ]


def test_shortened_addresses_are_cut_to_their_network_too(value_of):
    found = value_of([f"network('{address}')" for address in ("2001:db8::1", "2a00::17", "2a00::18", "::1")])
    assert found == ["2001:db8::/48", "2a00::/48", "2a00::/48", "::/48"]


def test_query_values_are_decoded(value_of):
    target = "/search?q=red+shoes%21&empty=&utm_campaign=b%C3%A4r&qq=1#q=no"
    names = ["q", "utm_campaign", "qq", "empty", "absent", "campaign"]
    assert value_of([f"query_value(target, '{name}')" for name in names], {"target": target}) == [
        "red shoes!",
        "bär",
        "1",
        None,
        None,
        None,
    ]


def test_a_query_value_that_cannot_be_decoded_is_as_it_stands_and_one_that_is_absent_null(value_of):
    calls = ("'/search?q=100%', 'q'", "null, 'q'", "'/search?p=1', 'q'", "'/x?q=', 'q'", "'/x?p=1&amp;q=a%20b', 'q'")
    assert value_of([f"query_value({call})" for call in calls]) == ["100%", None, None, None, "a b"]


def test_device_classes(value_of):
    agents = {
        FIREFOX: "desktop",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36": "desktop",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15": "desktop",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148": "mobile",
        "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36": "mobile",
        "Mozilla/5.0 (Linux; Android 14; SM-X910) AppleWebKit/537.36 Chrome/131.0 Safari/537.36": "tablet",
        "Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1": "tablet",
        "curl/8.9.1": "other",
    }
    assert value_of([f"device_class('{agent}')" for agent in agents]) == list(agents.values())
