"""Who may be measured on a test that begins on the 17th."""

from types import SimpleNamespace

import pytest

from contracts.errors import ModelError
from training.gate.seen_days import fair_champion, leak
from training.registry.client import Version

TESTED_FROM = "2026-11-17"


def version(number: str, **tags: str) -> Version:
    return Version("next_item", number, f"run{number}", {"ds": "2026-11-20", **tags})


def registry(*versions: Version) -> SimpleNamespace:
    there = {one.number: one for one in versions}

    def of(model: str, number: str) -> Version:
        if number not in there:
            raise ModelError(expected=model, received=number, remedy="none")
        return there[number]

    return SimpleNamespace(version=of, require_trained=lambda _: None)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"learned_until": "2026-11-16", "weights": "judged"}, ""),
        ({"learned_until": "2026-11-17", "weights": "judged"}, "it learned from days until 2026-11-17, and the test"),
        ({}, "it does not say until which day it learned"),
        ({"learned_until": "2026-11-01", "weights": "refit"}, "it learned from everything"),
    ],
)
def test_a_challenger_must_not_have_seen_the_test(tags, words):
    found = leak(version("2", **tags), TESTED_FROM)
    assert found.startswith(words)
    assert bool(found) == bool(words)


def test_where_the_test_is_no_days_only_what_learned_from_everything_is_refused():
    assert leak(version("2"), None) == ""
    assert leak(version("2", weights="judged"), None) == ""
    assert leak(version("2", weights="refit"), None)


def test_a_champion_of_earlier_days_is_measured_as_it_is_served():
    judged = version("1", weights="judged", learned_until="2026-11-09")
    served = version("2", weights="refit", learned_until="2026-11-16", judged_version="1")
    assert fair_champion(registry(judged, served), served, TESTED_FROM) == (served, "")


def test_for_a_champion_that_has_seen_the_test_stand_the_weights_that_had_not():
    judged = version("1", weights="judged", learned_until="2026-11-15")
    served = version("2", weights="refit", learned_until="2026-11-19", judged_version="1")
    found, note = fair_champion(registry(judged, served), served, TESTED_FROM)
    assert found is judged
    assert note == "version 1 stands for the champion, which learned from everything"
    assert fair_champion(registry(judged, served), served, None)[0] is judged, "a test of the same people every night"


@pytest.mark.parametrize("judged", [[], [version("1", weights="judged", learned_until="2026-11-18")]])
def test_where_none_is_fair_the_champion_is_flattered_and_that_is_said(judged):
    served = version("2", weights="refit", learned_until="2026-11-19", judged_version="1")
    found, note = fair_champion(registry(*judged, served), served, TESTED_FROM)
    assert found is served
    assert note == "the champion learned from days until 2026-11-19, which flatters it: the test begins on 2026-11-17"


def test_a_version_of_before_is_taken_to_have_learned_until_its_day():
    of_before = version("1")
    assert fair_champion(registry(of_before), of_before, TESTED_FROM)[1].startswith("the champion learned from days")
    assert fair_champion(registry(of_before), of_before, "2026-11-21") == (of_before, "")
