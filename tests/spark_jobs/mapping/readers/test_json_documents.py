"""JSON documents are cut into their records, whatever stands around them, and nothing of them is lost."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.mapping.readers.json_documents import records

ONE, TWO = '{"id": 1}', '{"id": 2}'


def found(text: str, path: str = "") -> list[tuple[str, str | None]]:
    return [(one.text, one.problem) for one in records(io.StringIO(text), tuple(filter(None, path.split("."))))]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (f"[{ONE}, {TWO}]", ""),
        (f"[\n  {ONE}\n,\n  {TWO}\n]\n", ""),
        (f"[{ONE}, {TWO},\n]", ""),
        (f"{ONE}{TWO}", ""),
        (f"{ONE}\n{TWO}\n", ""),
        (f"window.YTD.tweets.part0 = [{ONE},\n{TWO}]", ""),
        (f"var data = [{ONE},{TWO}];", ""),
        (f"\ufeff[{ONE}]\n[{TWO}]", ""),
        (f'{{"statuses": [{ONE}, {TWO}], "next": null}}', "statuses"),
        (f'{{"next": {{"statuses": [3]}}, "statuses": [{ONE}]}}\n{{"statuses": [{TWO}]}}', "statuses"),
        (f'{{"a": {{"b": [{ONE}, {TWO}]}}}}', "a.b"),
        (f'[{{"a": [{ONE}]}}, {{"a": {TWO}}}]', "a"),
    ],
)
def test_records_are_found(text, path):
    assert found(text, path) == [(ONE, None), (TWO, None)]


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("[]", "", []),
        ('[{"id": 1}, {"id":}, {"id": 2}]', "", [(ONE, None), ('{"id":}', "malformed"), (TWO, None)]),
        (f"[{ONE}, {TWO}", "", [(ONE, None), (TWO, None), ("", "malformed")]),
        (f'[{ONE}, {{"id": 2', "", [(ONE, None), ('{"id": 2', "malformed"), ("", "malformed")]),
        (f"{ONE} words\n{TWO}", "", [(ONE, None), ("words", "malformed"), (TWO, None)]),
        ("5", "", [("5", "malformed")]),
        ('{"error": "rate limit"}', "statuses", [('{"error": "rate limit"}', "no_records")]),
        ('{"statuses": null}', "statuses", [('{"statuses": null}', "no_records")]),
        ('[{"price": NaN}]', "", [('{"price": NaN}', None)]),
        ('{"id": 123456789012345678901234567890}', "", [('{"id": 123456789012345678901234567890}', None)]),
    ],
)
def test_what_is_no_record_is_counted_and_the_others_are_kept(text, path, expected):
    assert found(text, path) == expected


@pytest.mark.parametrize("deep", ["[" * 200_000, '{"a":' * 200_000, '[{"a":' * 50_000])
@pytest.mark.parametrize("path", ["", "a"])
def test_depth_exhausts_nothing(deep, path):
    assert {problem for _, problem in found(deep, path)} == {"malformed"}


def test_records_across_the_pieces_that_are_read():
    long = [{"id": number, "text": 'x "]} ' * 40_000} for number in range(20)]
    assert [json.loads(text) for text, _ in found(json.dumps(long, indent=1))] == long


SCALARS = st.none() | st.booleans() | st.integers() | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=6), st.sampled_from([None, 2]))
def test_every_array_gives_its_elements(elements, indent):
    assert [(json.loads(text), problem) for text, problem in found(json.dumps(elements, indent=indent))] == [
        (one, None) for one in elements
    ]


@settings(max_examples=300, deadline=None)
@given(st.text('{}[]",:\\ \nab1=;'), st.sampled_from(["", "a", "a.b"]))
def test_every_text_ends_in_records_that_stand_in_it(text, path):
    at = 0
    for one in records(io.StringIO(text), tuple(filter(None, path.split(".")))):
        assert at <= one.start <= one.end <= len(text)
        assert text[one.start : one.end].startswith(one.text)
        at = one.end
