"""What a campaign's `experiment` may say, and what is said of one that cannot be understood."""

from __future__ import annotations

import pytest

from activation.audiences.campaigns import load_campaigns, read_campaign
from contracts.errors import SettingsError


def read(tmp_path, text):
    (tmp_path / "some.yml").write_text(f"name: some\n{text}")
    return read_campaign(tmp_path / "some.yml", {"running"}).experiment


def test_an_experiment_with_everything(tmp_path):
    experiment = read(
        tmp_path, "experiment: {holdout: 0.1, variants: {short: 0.5, long: 0.4}, salt: autumn 2026, days: 14}"
    )
    assert (experiment.name, experiment.salt, experiment.days) == ("some", "autumn 2026", 14)
    assert experiment.shares == {"holdout": 0.1, "short": 0.5, "long": 0.4}


def test_a_holdout_alone(tmp_path):
    experiment = read(tmp_path, "experiment: {holdout: 0.1}")
    assert (experiment.salt, experiment.days) == ("some", 28)
    assert experiment.shares == {"holdout": 0.1, "treated": 0.9}


def test_most_campaigns_have_none(tmp_path):
    assert read(tmp_path, "") is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "experiment:\n  holdout: 0",
            "above 0 and below 1 in line 3 of some.yml .experiment.holdout.*received 0;",
        ),
        ("experiment:\n  holdout: 1", "a share above 0 and below 1 in line 3 .*received 1;"),
        ("experiment:\n  holdout: .nan", "a number in line 3"),
        ("experiment: {}", "'holdout' under experiment in line 2"),
        ("experiment:\n  holdouts: 0.1", "in line 3 .*'holdouts'; did you mean 'holdout'"),
        (
            "experiment:\n  holdout: 0.1\n  variants: {short: 0.5, long: 0.5}",
            r"add up to 1 .*line 4 .*experiment.variants.*received 0.1 \+ 0.5 \+ 0.5 = 1.1",
        ),
        ("experiment: {holdout: 0.1, variants: {holdout: 0.9}}", "received 'holdout'; rename it"),
        ("experiment: {holdout: 0.1, variants: {'a b': 0.9}}", "small letters, digits and _ in line 2.*received 'a b'"),
        ("experiment: {holdout: 0.1, variants: {}}", "1 to 20 variants in line 2"),
        ("experiment: {holdout: 0.1, variants: {short: 0.9, long: 0}}", "a share above 0.*variants.long.*received 0;"),
        ("experiment: {holdout: 0.1, salt: ' '}", "a text for salt in line 2"),
        ("experiment: {holdout: 0.1, days: 0}", "a whole number from 1 to 400 in line 2"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, text, sentence):
    with pytest.raises(SettingsError, match=sentence):
        read(tmp_path, text)


def test_two_campaigns_of_one_salt_are_both_refused_and_others_are_not(tmp_path):
    (tmp_path / "one.yml").write_text("name: one\nexperiment:\n  holdout: 0.1\n  salt: two")
    (tmp_path / "two.yml").write_text("name: two\nexperiment: {holdout: 0.2}")
    (tmp_path / "three.yml").write_text("name: three\nexperiment: {holdout: 0.2}")
    loaded = load_campaigns(tmp_path, {"running"})
    assert list(loaded) == ["one", "three", "two"]
    assert "line 4 of one.yml (experiment.salt), but received 'two', which two has too" in str(loaded["one"])
    assert "line 2 of two.yml (experiment), but received 'two', which one has too" in str(loaded["two"])
    assert loaded["three"].experiment.holdout == 0.2
