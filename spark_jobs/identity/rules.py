"""The rules by which identifiers become persons: a YAML file, read and checked before Spark starts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from contracts.checked_yaml import At, CheckedYaml
from contracts.errors import SettingsError
from contracts.keys import pseudonym_keys
from contracts.pseudonyms import pseudonym
from contracts.settings import Settings
from contracts.tables.vocabulary import EDGE_KINDS, IDENTIFIER_KINDS

KEEPS = ("most_seen", "none")
_SECTIONS = ("kinds", "limits", "excluded", "component_limit", "merge_alarm")
_LIMIT_KEYS = ("of", "per", "most", "keep")
_ALARM_KEYS = ("share", "least")


@dataclass(frozen=True)
class Limit:
    """At most `most` identifiers of the kind `of` for each of the kind `per`."""

    of: str
    per: str
    most: int
    keep: str = "most_seen"

    @property
    def name(self) -> str:
        """As tables and reports call it."""
        return f"{self.of} per {self.per}"


@dataclass(frozen=True)
class IdentityRules:
    """Which links join, and what keeps strangers apart."""

    kinds: tuple[str, ...] = EDGE_KINDS
    """Kinds of links that join, strongest first."""
    limits: tuple[Limit, ...] = ()
    excluded: tuple[str, ...] = ()
    """Pseudonyms of identifiers that belong to nobody."""
    component_limit: int = 20
    """Most identifiers of a person."""
    alarm_share: float = 0.05
    alarm_least: int = 50

    @property
    def digest(self) -> str:
        """Equal for rules that give the same persons."""
        return hashlib.sha256(repr((self.kinds, self.limits, self.excluded, self.component_limit)).encode()).hexdigest()

    def most_merges(self, known: int) -> int:
        """How many of so many known persons may merge into others in a night."""
        return max(self.alarm_least, int(self.alarm_share * known))


def load_rules(settings: Settings) -> IdentityRules:
    """Read and check the file of the rules; a component limit in the settings wins over the file's.

    Raises:
        SettingsError: there is no such file, or something in it fits nowhere; the error names the line, what stands
            there and what would have fitted.
    """
    file = settings.identity_rules
    if not file.is_file():
        raise SettingsError(
            expected=f"the rules of identity in {file}",
            received="no such file",
            remedy="correct NIGHTSHIFT_IDENTITY_RULES, or unset it to use those that come with Nightshift",
        )
    return _CheckedRules(file).rules(settings)


class _CheckedRules(CheckedYaml):
    """The content of one file of rules."""

    fault = SettingsError

    def rules(self, settings: Settings) -> IdentityRules:
        self._names((), self.content, _SECTIONS)
        for section in ("kinds", "component_limit", "merge_alarm"):
            self._present((), section)
        share, least = self._alarm()
        return IdentityRules(
            kinds=self._kinds(),
            limits=tuple(self._limit(("limits", index), limit) for index, limit in enumerate(self._list("limits"))),
            excluded=self._excluded(settings),
            component_limit=settings.component_limit
            or self._whole_number(("component_limit",), self.content["component_limit"]),
            alarm_share=share,
            alarm_least=least,
        )

    def _kinds(self) -> tuple[str, ...]:
        kinds = self._list("kinds")
        for index, kind in enumerate(kinds):
            self._one_of(("kinds", index), kind, EDGE_KINDS)
            if kind in kinds[:index]:
                raise self._error(("kinds", index), "each kind once", repr(kind), "remove one of the two")
        return tuple(kinds)

    def _limit(self, at: At, given: Any) -> Limit:
        self._names(at, given, _LIMIT_KEYS)
        for key in ("of", "per", "most"):
            self._present(at, key)
        for key in ("of", "per"):
            self._one_of((*at, key), given[key], IDENTIFIER_KINDS)
        if given["of"] == given["per"]:
            raise self._error((*at, "per"), f"another kind than {given['of']!r}", "the same", "name two kinds")
        keep = given.get("keep", "most_seen")
        self._one_of((*at, "keep"), keep, KEEPS)
        return Limit(given["of"], given["per"], self._whole_number((*at, "most"), given["most"]), keep)

    def _excluded(self, settings: Settings) -> tuple[str, ...]:
        given = self.content.get("excluded") or {}
        self._names(("excluded",), given, IDENTIFIER_KINDS)
        keys = pseudonym_keys(settings) if given else ()
        found = set()
        for kind, values in given.items():
            if not isinstance(values, list):
                raise self._error(("excluded", kind), "a list of values", repr(values), "write `[value, value]`")
            found |= {pseudonym(keys, kind, str(value)) for value in values}
        return tuple(sorted(found))

    def _alarm(self) -> tuple[float, int]:
        given = self.content["merge_alarm"]
        self._names(("merge_alarm",), given, _ALARM_KEYS)
        for key in _ALARM_KEYS:
            self._present(("merge_alarm",), key)
        share = given["share"]
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            at = ("merge_alarm", "share")
            raise self._error(at, "a share from 0 to 1", repr(share), "write for example 0.05")
        return float(share), self._whole_number(("merge_alarm", "least"), given["least"], least=0)

    def _list(self, section: str) -> list[Any]:
        given = self.content.get(section) or []
        if not isinstance(given, list):
            raise self._error((section,), f"a list under {section}", repr(given), "write `- value` lines")
        return given

    def _whole_number(self, at: At, given: Any, least: int = 1) -> int:
        if isinstance(given, bool) or not isinstance(given, int) or given < least:
            raise self._error(at, f"a whole number of at least {least}", repr(given), "correct it")
        return given
