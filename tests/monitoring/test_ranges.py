"""Ranges of numbers: the same on every night, and readable."""

from __future__ import annotations

import duckdb
import pytest

from monitoring.watching.columns import _range_of, lower_end


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("0.0", "0"),
        ("1.0", "1"),
        ("1.18", "1"),  # the next range begins at the fourth root of 2, 1.1892
        ("1.19", "1.1892"),
        ("16.0", "16"),
        ("-20.0", "-19.027"),
        ("1600.0", "1448.2"),
        ("1e-300", "8.8787e-301"),  # 2 to the power of -996.75; the number is 2 to that of -996.58
        ("'nan'::double", None),
        ("'infinity'::double", None),
        ("null::double", None),
    ],
)
def test_a_number_is_in_the_range_that_begins_below_it(number, name):
    [(place,)] = duckdb.execute(f"select {_range_of(f'({number})::double')}").fetchall()
    assert (None if place is None else lower_end(place)) == name
