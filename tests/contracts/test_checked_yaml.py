"""Configuration files: what fits is read, and every mistake names the file, the line and the nearest name."""

from __future__ import annotations

import pytest

from contracts.checked_yaml import YamlValue, advice, read_yaml
from contracts.errors import NightshiftError, SettingsError


def read(tmp_path, text: str | bytes) -> YamlValue:
    file = tmp_path / "some.yml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(file, SettingsError)


def sentence_of(call) -> str:
    with pytest.raises(SettingsError) as raised:
        call()
    assert isinstance(raised.value, NightshiftError)
    return str(raised.value)


def test_a_file_is_read_as_it_stands(tmp_path):
    root = read(tmp_path, "a: {b: [1, two, 3.5], c: yes}\nd: null\n'5': 2026-11-20\n")
    assert str(root.plain) == ("{'a': {'b': [1, 'two', 3.5], 'c': True}, 'd': None, '5': datetime.date(2026, 11, 20)}")
    assert root.mapping()["a"].mapping()["b"].items()[1].name == "a.b.1"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "expected YAML in some.yml, but received nothing in line 1"),
        ("# a comment\n", "received nothing in line 1"),
        (
            "a: 1\nb: [1, 2\n",
            "expected YAML in some.yml, but received expected ',' or ']'.* in line 3; correct that line",
        ),
        ("a:\n\tb: 1\n", "cannot start any token in line 2; indent with spaces"),
        ("a: 1\nb: 2\na: 3\n", "received 'a' again, as in line 1 in line 3; remove one of the two"),
        ("x:\n  a: 1\n  a: 2\n", "received 'a' again, as in line 2 in line 3"),
        (b"a: 1\nb: caf\xe9\n", "bytes that are no UTF-8 in line 2; save the file as UTF-8"),
        ("a: 1\nb: \x07\n", "control character .0x7. in line 2"),
        ("a: 1\n---\nb: 2\n", "expected YAML in some.yml"),
        ("a: 1\nday: 2026-13-45\n", "'2026-13-45' in line 2; put it into quotes"),
        ("a: 1\nb: !!python/name:os.system\n", "in line 2; put it into quotes"),
        ("a: 1\n? [b, c]\n: 2\n", "a key of several values in line 2"),
        ("a: &a\n  b: *a\n", "a value inside of itself in line 2; remove that alias"),
    ],
)
def test_what_is_no_yaml_names_its_line(tmp_path, text, sentence):
    with pytest.raises(SettingsError, match=sentence):
        read(tmp_path, text)


def test_an_unknown_name_comes_with_its_line_and_the_nearest(tmp_path):
    root = read(tmp_path, "# comment\nkinds:\n  colour: red\n  siez: 3\n")
    kinds = root.mapping(["kinds"])["kinds"]
    assert sentence_of(lambda: kinds.mapping(["colour", "size"])) == (
        "expected one of colour, size in line 4 of some.yml (kinds.siez), but received 'siez'; did you mean 'size'?"
    )
    assert sentence_of(lambda: kinds.mapping()["colour"].one_of(["blue", "green"])) == (
        "expected one of blue, green in line 3 of some.yml (kinds.colour), but received 'red'; "
        "choose one of blue, green"
    )
    assert sentence_of(lambda: kinds.mapping(required=["size"])) == (
        "expected 'size' under kinds in line 2 of some.yml (kinds), but received nothing; add that line"
    )


VALUES = """\
text: word
number: 5
small: 1e-5
endless: .inf
truth: yes
none:
list: [a, b]
names: {a: 1}
"""


@pytest.mark.parametrize(
    ("name", "read_it", "sentence"),
    [
        (
            "text",
            lambda value: value.whole_number(),
            "a whole number in line 1 of some.yml .text., but received 'word'",
        ),
        ("number", lambda value: value.whole_number(least=6), "a whole number of at least 6 in line 2"),
        ("number", lambda value: value.whole_number(1, 4), "a whole number from 1 to 4 in line 2"),
        ("small", lambda value: value.whole_number(), "a whole number in line 3"),
        ("truth", lambda value: value.whole_number(), "a whole number in line 5 .*received True"),
        ("text", lambda value: value.number(), "a number in line 1"),
        ("number", lambda value: value.number(most=4), "a number of at most 4 in line 2"),
        ("endless", lambda value: value.number(), "a number in line 4"),
        ("truth", lambda value: value.number(), "a number in line 5"),
        ("truth", lambda value: value.text(), "a text for truth in line 5 .*put it into quotes"),
        ("number", lambda value: value.flag(), "true or false in line 2"),
        ("none", lambda value: value.text(), "one value for none in line 6"),
        ("list", lambda value: value.mapping(), "a mapping under list in line 7 .*write `name: value` lines"),
        ("names", lambda value: value.items(), "a list under names in line 8 .*write `- value` lines"),
        ("names", lambda value: value.one_or_several()[0].text(), "one value for names in line 8"),
    ],
)
def test_a_value_of_another_kind_names_its_line(tmp_path, name, read_it, sentence):
    value = read(tmp_path, VALUES).mapping()[name]
    with pytest.raises(SettingsError, match=sentence):
        read_it(value)


def test_values_that_fit_are_returned(tmp_path):
    values = read(tmp_path, VALUES).mapping()
    assert (values["text"].text(), values["number"].text()) == ("word", "5")
    assert (values["number"].whole_number(1, 5), values["small"].number(), values["number"].number()) == (5, 1e-5, 5.0)
    assert values["truth"].flag() is True
    assert values["endless"].number(finite=False) == float("inf")
    assert (values["none"].mapping(), values["none"].items()) == ({}, [])
    assert [value.text() for value in values["list"].one_or_several()] == ["a", "b"]
    assert [value.text() for value in values["text"].one_or_several()] == ["word"]


def test_without_a_near_name_all_are_listed():
    assert advice("runing", ["running", "reading"]) == "did you mean 'running'?"
    assert advice("x", ["running", "reading"]) == "choose one of running, reading"
