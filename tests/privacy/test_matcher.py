"""A value is found where it stands by itself, however it is written; and leaves a text as it is found."""

from __future__ import annotations

import pytest

from privacy.matcher import PersonMatcher, SearchPatterns, is_searchable


@pytest.mark.parametrize(
    ("value", "kind", "text", "times"),
    [
        ("acc-12", "account", "acc-12 acc-123 xacc-12 acc-12.", 2),
        ("anna@x.org", "email", "anna@x.org, mary.anna@x.org", 1),
        ("paul1", "handle", "@paul1 paul1@far.example paul1_photos", 1),
        ("jörg77", "handle", "JÖRG77", 1),
        ("jörg77", "handle", '{"acct": "j\\u00f6rg77"}', 1),
        ("0f" * 16, "pseudonym", f"account:{'0f' * 16}", 1),
        ("0f" * 16, "pseudonym", f"{'0f' * 17}", 0),
    ],
)
def test_a_value_is_found_where_it_stands_by_itself(value, kind, text, times):
    assert SearchPatterns({value: kind}).count_in(text.encode()).total() == times


def test_values_too_short_or_too_ordinary_are_counted_and_not_searched():
    assert [is_searchable(value) for value in ("max", "1234567", "garden", "ada12", "acc-12", "a@b.c")] == [
        False,
        False,
        False,
        True,
        True,
        False,
    ]
    patterns = SearchPatterns({"max": "account", "garden": "handle", "acc-12": "account"})
    assert patterns.not_searched == {"account": 1, "handle": 1}
    assert patterns.count_in(b"max acc-12 garden").total() == 1


@pytest.mark.parametrize(
    ("value", "kind", "text", "left"),
    [
        ("anna_01", "account", "anna_01, ANNA_01 and anna_012", "[x], [x] and anna_012"),
        ("anna+b@x.org", "email", "anna+b@x.org anna+b%40x.org anna%2Bb%40x.org", "[x] [x] [x]"),
        ("jörg.77", "handle", '{"who": "j\\u00f6rg.77"} J%C3%B6rg.77 JÖRG.77', '{"who": "[x]"} [x] [x]'),
        ("anna_b1@far.example", "handle", "@anna_b1@far.example is @anna_b1", "@[x] is @[x]"),
        ("anna_b1@far.example", "handle", "another @anna_b1", "another @anna_b1"),
        ("anna_b1@far.example", "handle", "https://far.example/@anna_b1/1 is anna_b1", "https://[x]/1 is [x]"),
        ("anna_b1@far.example", "handle", "Far.example/users/anna_b1/statuses/1", "[x]/statuses/1"),
        ("anna_b1@far.example", "handle", "other.example/@anna_b1", "other.example/@anna_b1"),
        ("max", "account", "max", "max"),
    ],
)
def test_what_is_found_is_replaced(value, kind, text, left):
    matcher = PersonMatcher({value: kind}, replacement="[x]")
    assert matcher.without_names(text) == left
    assert matcher.is_in(text) == (left != text)
    assert not matcher.is_in(left)
