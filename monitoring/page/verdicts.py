"""The reasons of the gate between challenger and champion, in plain words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from monitoring.page.words import plain

_NUMBER = r"([-+]?\d+\.?\d*(?:e[-+]\d+)?)"
_OWN = rf"(?P<metric>\S+) (?P<value>{_NUMBER}) against (?P<other>{_NUMBER}) of "
_RANGE = r"on (?P<units>[\d,]+) (?P<unit>[^:]+): the difference is (?P<low>\S+) to (?P<high>[^,\s]+)"


def _against(words: Mapping[str, str]) -> str:
    return (
        f"{words['metric']} {words['value']} against {words['other']}, measured on the same {words['units']} "
        f"{words['unit']}; the true difference is probably between {words['low']} and {words['high']}"
    )


def _baseline(words: Mapping[str, str]) -> str:
    return f"the simple method “{plain(words['name'])}”"


_RULES: list[tuple[str, Callable[[Mapping[str, str]], str]]] = [
    (
        rf"{_OWN}the champion {_RANGE}, all of it below 0",
        lambda words: f"It is worse than the champion, and that is not chance: {_against(words)}.",
    ),
    (
        rf"{_OWN}the champion {_RANGE}, and must not be below (?P<least>\S+)",
        lambda words: (
            f"It may be worse than the champion by more than {words['least'].lstrip('-')}, which is the most "
            f"that is allowed: {_against(words)}."
        ),
    ),
    (
        rf"{_OWN}the champion {_RANGE}, not below .*",
        lambda words: f"It is not worse than the champion: {_against(words)}.",
    ),
    (
        rf"{_OWN}(?P<name>\w+) {_RANGE}, and must be above (?P<least>\S+)",
        lambda words: (
            f"It has not shown that it {'beats' if words['least'] == '0' else 'keeps up with'} "
            f"{_baseline(words)}: {_against(words)}."
        ),
    ),
    (
        rf"{_OWN}(?P<name>\w+) {_RANGE}, above (?P<least>\S+)",
        lambda words: (
            f"It {'beats' if words['least'] == '0' else 'keeps up with'} {_baseline(words)}: {_against(words)}."
        ),
    ),
    (
        rf"(?P<group>.+): (?P<value>{_NUMBER}) against (?P<other>{_NUMBER}) of the champion {_RANGE}, and must not be "
        r"wholly below \S+",
        lambda words: (
            f"It does worse than the champion for one group, {plain(words['group'])}: {words['value']} "
            f"against {words['other']} on {words['units']} {words['unit']}."
        ),
    ),
    (
        r"none of (?P<groups>\d+) groups of (?P<least>\d+) or more (?P<unit>.+) falls",
        lambda words: (
            "No group of people does worse than before (there was none large enough to look at)."
            if words["groups"] == "0"
            else f"No group does worse than before, of {words['groups']} that were looked at."
        ),
    ),
    (
        rf"(?P<metric>\S+) (?P<value>{_NUMBER}), below (?P<least>\S+)",
        lambda words: f"Its {words['metric']} is {words['value']}, less than the {words['least']} that it must have.",
    ),
    (
        rf"(?P<metric>\S+) (?P<value>{_NUMBER}), above (?P<most>\S+)",
        lambda words: f"Its {words['metric']} is {words['value']}, more than the {words['most']} that it may have.",
    ),
    (
        rf"(?P<metric>\S+) (?P<value>{_NUMBER}), at (?P<bound>least|most) (?P<limit>\S+)",
        lambda words: f"Its {words['metric']} is {words['value']}, and has to be at {words['bound']} {words['limit']}.",
    ),
    (
        "expected (?P<expected>.+?), but received (?P<received>.+?); (?P<remedy>.+)",
        lambda words: (
            f"It needs {words['expected']}, and there was {words['received']}. What helps: {words['remedy']}."
        ),
    ),
    (
        rf"AUC (?P<value>{_NUMBER}) with synthetic rows against (?P<other>{_NUMBER}) without, under seed (?P<seed>\d+) "
        r"of (?P<seeds>\d+): a lift above 0 is required",
        lambda words: (
            f"Try {words['seed']} of {words['seeds']}: with made-up rows {words['value']}, without them "
            f"{words['other']}, and it must be more."
        ),
    ),
    ("there is no champion yet", lambda _: "It is the first one: there was no champion to compare it with."),
    (
        "the loaded artefact scores the same: .*",
        lambda _: "Loaded from its file, it says the same as when it was trained.",
    ),
    (
        "the loaded artefact scores differently from the trained model: .*",
        lambda _: (
            "Loaded from its file, it says something else than when it was trained, so the file is not to be trusted."
        ),
    ),
    (
        r"version (?P<version>\S+) stands for the champion, which learned from everything",
        lambda words: (
            f"It was compared with version {words['version']}, which is the champion before it was trained on "
            "the latest days: neither of the two has seen the days of the test."
        ),
    ),
    (
        r"the champion learned from days until (?P<until>\S+), which flatters it: the test begins on (?P<begins>\S+)",
        lambda words: (
            f"The champion has seen days of the test (it learned until {words['until']}, and the test begins "
            f"on {words['begins']}), which lets it look better than it is."
        ),
    ),
    (
        r"it learned from days until (?P<until>\S+), and the test begins on (?P<begins>\S+): .*",
        lambda words: (
            f"It has seen days of its own test: it learned until {words['until']}, and the test begins on "
            f"{words['begins']}. Its figures say nothing."
        ),
    ),
    (
        r"it learned from everything, the test among it: .*",
        lambda _: "It has seen its own test, so that its figures say nothing.",
    ),
    (
        r"it does not say until which day it learned, and the test begins on (?P<begins>\S+): train again",
        lambda words: (
            "It was trained before versions said until which day they learned: train again (the test begins "
            f"on {words['begins']})."
        ),
    ),
    (
        r"(?P<name>\S+) could not be measured on this data",
        lambda words: f"“{plain(words['name'])}” could not be measured on these data, and was left out.",
    ),
]
_COMPILED = [(re.compile(pattern), words) for pattern, words in _RULES]


def in_plain_words(reason: str) -> str:
    """A reason of the gate as a sentence for people who do not know the gate; one that is not known stays as it is."""
    for pattern, words in _COMPILED:
        if match := pattern.fullmatch(reason):
            return words(match.groupdict())
    return reason


def _served(refit: Mapping[str, Any]) -> bool:
    return refit.get("decision") == "served"


def summary(entry: Mapping[str, Any], champion: str | None) -> str:
    """What was decided about a model, in a sentence.

    Args:
        entry: of the report's `models`.
        champion: the version that is champion; None where none is.
    """
    stays = f"version {champion} stays champion" if champion else "there is no champion yet"
    version = f"Version {entry['version']}" if entry.get("version") else "It"
    before = f", in place of version {entry['previous_champion']}" if entry.get("previous_champion") else ""
    tried = " This was a trial: nothing was changed." if entry.get("dry_run") else ""
    match entry.get("decision"):
        case "promoted":
            by = f", approved by {entry['by']}" if entry.get("by") else ""
            again = entry.get("refit", {})
            served = f" Version {again['version']}, the same trained on all days, is served." if _served(again) else ""
            return f"{version} is the new champion{before}{by}.{served}{tried}"
        case "refit":
            return f"{version}, trained on all days like version {entry['previous_champion']}, is champion."
        case "refused":
            return f"{version} was refused; {stays}.{tried}"
        case "kept":
            return f"There is no new challenger; {stays}."
        case "skipped":
            return f"There were too few data to decide; {stays}."
        case "in shadow":
            return f"{version} passed the gate and scores in shadow: nobody sees its lists; {stays}."
        case "put back":
            by = f" by {entry['by']}" if entry.get("by") else ""
            return f"{version} was put back as champion{before}{by}."
        case "awaiting approval":
            return f"{version} passed the gate, and waits for a person to approve it."
        case "rejected":
            by = f" by {entry['by']}" if entry.get("by") else ""
            return f"{version} was rejected{by}; {stays}."
        case "failed":
            return f"It failed; {stays}."
        case None:
            return f"{version} was trained, and not decided on."
        case other:
            return f"{version}: {other}."
