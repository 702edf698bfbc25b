"""The rules by which identifiers become persons: a YAML file, read and checked before Spark starts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from contracts.checked_yaml import YamlValue, read_yaml
from contracts.errors import SettingsError
from contracts.identifiers import SECTIONS, load_cleaning
from contracts.keys import pseudonym_keys
from contracts.pseudonyms import hashed, pseudonym
from contracts.settings import Settings
from contracts.tables.vocabulary import EDGE_KINDS, IDENTIFIER_KINDS

KEEPS = ("most_seen", "none")
_SECTIONS = ("kinds", "limits", "excluded", "component_limit", "merge_alarm", *SECTIONS)
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
    """Pseudonyms of identifiers that belong to nobody: no person is made of them."""
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
    sections = read_yaml(file, SettingsError).mapping(_SECTIONS, required=("kinds", "component_limit", "merge_alarm"))
    load_cleaning(settings)  # a mistake in its sections is an error here too
    share, least = _alarm(sections["merge_alarm"])
    return IdentityRules(
        kinds=_kinds(sections["kinds"]),
        limits=tuple(map(_limit, sections["limits"].items())) if "limits" in sections else (),
        excluded=_excluded(sections["excluded"], settings) if "excluded" in sections else (),
        component_limit=settings.component_limit or sections["component_limit"].whole_number(least=1),
        alarm_share=share,
        alarm_least=least,
    )


def pseudonyms_of_nobody(settings: Settings) -> set[str]:
    """Pseudonyms of what names nobody (`no_value`), which earlier releases made and lakes mapped by them hold."""
    keys, cleaning = pseudonym_keys(settings), load_cleaning(settings)
    return {hashed(keys, kind, value) for kind, value in cleaning.known_as_nobody()}


def _kinds(section: YamlValue) -> tuple[str, ...]:
    kinds: list[str] = []
    for value in section.items():
        kind = value.one_of(EDGE_KINDS)
        if kind in kinds:
            raise value.misfit("each kind once", "remove one of the two")
        kinds.append(kind)
    return tuple(kinds)


def _limit(section: YamlValue) -> Limit:
    fields = section.mapping(_LIMIT_KEYS, required=("of", "per", "most"))
    of, per = (fields[key].one_of(IDENTIFIER_KINDS) for key in ("of", "per"))
    if of == per:
        raise fields["per"].error(f"another kind than {of!r}", "the same", "name two kinds")
    keep = fields["keep"].one_of(KEEPS) if "keep" in fields else KEEPS[0]
    return Limit(of, per, fields["most"].whole_number(least=1), keep)


def _excluded(section: YamlValue, settings: Settings) -> tuple[str, ...]:
    fields = section.mapping(IDENTIFIER_KINDS)
    keys = pseudonym_keys(settings) if fields else ()
    cleaning = load_cleaning(settings)
    return tuple(
        sorted({pseudonym(keys, kind, value.text(), cleaning) for kind in fields for value in fields[kind].items()})
    )


def _alarm(section: YamlValue) -> tuple[float, int]:
    fields = section.mapping(_ALARM_KEYS, required=_ALARM_KEYS)
    return fields["share"].number(0, 1), fields["least"].whole_number(least=0)
