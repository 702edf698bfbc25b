"""The file of rules: what may stand in it, and the error where anything else does."""

from __future__ import annotations

import pytest

from contracts.errors import SettingsError
from contracts.tables.vocabulary import EDGE_KINDS
from spark_jobs.identity.rules import IdentityRules, Limit, load_rules
from tests.spark_jobs.feeds_by_hand import expected_pseudonym, settings_in

RULES = """\
kinds: [login, account_email]
limits:
  - {of: email, per: account, most: 3, keep: none}
excluded:
  email: [" Help@Shop.example", noreply@shop.example]
component_limit: 7
merge_alarm: {share: 0.1, least: 3}
"""


def rules_in(home, text, **settings):
    file = home / "rules.yml"
    file.write_text(text)
    return load_rules(settings_in(home, identity_rules=str(file), **settings))


def test_the_rules_that_come_with_it_keep_one_account_a_cookie_and_an_email(tmp_path):
    rules = load_rules(settings_in(tmp_path))
    limits = (Limit("account", "cookie", 1), Limit("account", "email", 1))
    assert rules == IdentityRules(EDGE_KINDS, limits, (), 20, alarm_share=0.05, alarm_least=50)
    assert not (tmp_path / "secrets").exists(), "without excluded values no key is needed"


def test_excluded_values_stand_in_clear_and_become_pseudonyms(tmp_path):
    rules = rules_in(tmp_path, RULES)
    settings = settings_in(tmp_path)
    mails = [expected_pseudonym(settings, "email", f"{name}@shop.example") for name in ("help", "noreply")]
    limits = (Limit("email", "account", 3, "none"),)
    assert rules == IdentityRules(
        ("login", "account_email"), limits, tuple(sorted(mails)), 7, alarm_share=0.1, alarm_least=3
    )


def test_the_setting_of_the_component_limit_wins(tmp_path):
    assert rules_in(tmp_path, RULES, component_limit="4").component_limit == 4


def test_rules_that_give_other_persons_have_another_digest(tmp_path):
    first = rules_in(tmp_path, RULES).digest
    assert rules_in(tmp_path, RULES.replace("share: 0.1", "share: 0.2")).digest == first
    for old, new in (("most: 3", "most: 2"), ("login, ", ""), ("noreply@", "other@"), ("limit: 7", "limit: 8")):
        assert rules_in(tmp_path, RULES.replace(old, new)).digest != first


def test_the_alarm_is_the_larger_of_a_share_and_a_number():
    rules = IdentityRules(alarm_share=0.05, alarm_least=50)
    assert [rules.most_merges(known) for known in (0, 999, 2000)] == [50, 50, 100]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("limits:", "limit:", r"line 2 of rules.yml \(limit\), but received 'limit'; did you mean 'limits'\?"),
        ("login,", "logins,", r"line 1 of rules.yml \(kinds.0\), but received 'logins'; did you mean 'login'\?"),
        ("[login, account_email]", "[login, login]", r"each kind once in line 1"),
        ("of: email", "of: mail", r"line 3 .*received 'mail'; did you mean 'email'\?"),
        ("per: account", "per: email", r"another kind than 'email' in line 3"),
        ("most: 3", "most: 0", r"whole number of at least 1 in line 3 .*limits.0.most.*received 0"),
        (", most: 3", "", r"'most' under limits.0 in line 3"),
        ("keep: none", "keep: first", r"one of most_seen, none in line 3"),
        ("  email: [", "  mails: [", r"line 5 .*received 'mails'; did you mean 'email'\?"),
        ("component_limit: 7", "component_limit: many", r"whole number of at least 1 in line 6 .*received 'many'"),
        ("component_limit: 7\n", "", r"'component_limit' under the file .* received nothing; add that line"),
        ("share: 0.1", "share: 5", r"a number from 0 to 1 in line 7 .*received 5"),
        ("kinds: [", "kinds: [[", r"YAML in rules.yml"),
    ],
)
def test_the_error_of_a_mistake_has_its_line_and_the_nearest_that_fits(tmp_path, old, new, sentence):
    assert old in RULES
    with pytest.raises(SettingsError, match=sentence):
        rules_in(tmp_path, RULES.replace(old, new))


def test_a_file_that_is_not_there_names_the_setting(tmp_path):
    with pytest.raises(SettingsError, match="NIGHTSHIFT_IDENTITY_RULES"):
        load_rules(settings_in(tmp_path, identity_rules=str(tmp_path / "no.yml")))
