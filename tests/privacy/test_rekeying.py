"""Under one more key, people are named by the rule by which resolving names them."""

from __future__ import annotations

from hashlib import sha256

from contracts.pseudonyms import pseudonym
from privacy.rekeying import renamed_persons


def test_the_name_follows_the_smallest_new_pseudonym_of_the_first_day():
    """Two identifiers of one first day: which one names the person may change with the key, as resolving has it."""
    key = bytes(32)
    rows = [("cookie:a", "p1", 1), ("cookie:b", "p1", 1), ("account:c", "p1", 2), ("cookie:d", "p2", 3)]
    first = min(pseudonym([key], "cookie", "a"), pseudonym([key], "cookie", "b"))
    expected = "p" + sha256(first.encode()).hexdigest()[:16]
    assert renamed_persons(rows, key)["p1"] == expected
    assert renamed_persons(reversed(rows), key)["p1"] == expected
