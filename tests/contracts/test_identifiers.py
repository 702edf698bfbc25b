"""What is one identifier, and what is none; values written by hand."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.errors import SettingsError
from contracts.identifiers import load_cleaning, shipped_cleaning
from contracts.pseudonyms import pseudonym, pseudonym_of_old
from contracts.tables.vocabulary import IDENTIFIER_KINDS
from tests.spark_jobs.feeds_by_hand import settings_in

KEY = bytes(range(32))
SHIPPED = shipped_cleaning()


@given(st.sampled_from(IDENTIFIER_KINDS), st.text(max_size=30))
@example("handle", "@ 0")
@example("handle", "acct:@acct:zoe")
@example("email", "0@K¸")
def test_what_is_clean_stays_as_it_is(kind, text):
    once = SHIPPED.cleaned(kind, text)
    assert SHIPPED.cleaned(kind, once) == once


@given(st.from_regex(r"[A-Za-z0-9._+-]{1,12}@[a-z0-9]{1,8}\.[a-z]{2,3}", fullmatch=True))
def test_a_plain_identifier_has_the_pseudonym_that_it_always_had(text):
    for kind in IDENTIFIER_KINDS:
        assert pseudonym((KEY,), kind, text, SHIPPED) == pseudonym_of_old((KEY,), kind, text)


def test_an_own_file_states_its_words_and_options(tmp_path):
    file = tmp_path / "rules.yml"
    file.write_text(
        "no_value: {all: [Kunde], same_digit: 0}\ncleaning:\n  email: {plus_tags: remove, dots: [gmail.com]}\n"
    )
    cleaning = load_cleaning(settings_in(tmp_path, identity_rules=str(file)))
    assert cleaning.names_nobody("account", " (kunde) ")
    assert not cleaning.names_nobody("account", "undefined")
    assert not cleaning.names_nobody("account", "7777")
    assert cleaning.cleaned("email", "Z.oe+shop@gmail.com") == "zoe@gmail.com"
    assert cleaning.cleaned("email", "Z.oe+shop@example.org") == "z.oe@example.org"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no_value:\n  mail: [x]\n", "line 2"),
        ("no_value: {same_digit: 1}\n", "at least 2"),
        ("cleaning: {email: {dots: drop}}\n", "one of keep, remove"),
        ("no_value:\n  all: ['']\n", "names nobody"),
    ],
)
def test_a_mistake_in_the_file_is_one_sentence_with_its_line(tmp_path, text, words):
    file = tmp_path / "rules.yml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=words):
        load_cleaning(settings_in(tmp_path, identity_rules=str(file)))
