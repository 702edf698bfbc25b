"""How an identifier is cleaned before it is hashed, and what is no identifier though it stands where one belongs.

Mappings clean in SQL (`spark_jobs/identifier_sql.py`), operators' commands here; both read the patterns of this module,
which Python and Java understand alike. Printable ASCII is only trimmed and lower-cased, as ever, but for what cannot be
part of a mail address or handle; so pseudonyms of plain identifiers stay as they were.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import product
from pathlib import Path

from contracts.checked_yaml import YamlValue, read_yaml
from contracts.errors import SettingsError
from contracts.settings import REPOSITORY, Settings
from contracts.tables.vocabulary import IDENTIFIER_KINDS

SECTIONS = ("no_value", "cleaning")
"""The sections of the rules of identity that this module reads."""

PLAIN = r"[\x20-\x7e]*"
"""What needs nothing but trimming and lower case."""

INVISIBLE = (
    r"[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    r"\ufeff\uffa0\ufff0-\ufffb" + "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
"""Default ignorable code points of Unicode 15, and marks of annotations: none of them can be seen."""

BLANKS = r"[\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000]+"

MOST_CHARACTERS = 1000
"""Of a mail address with what stands around it; what is longer is cut, so that no text takes minutes."""

_NOT_IN_ADDRESS = r'\x20<>"(),;:\[\]'
MAIL = (
    rf"^(?:.*<)?(?:[^@]*[{_NOT_IN_ADDRESS}])?'*"
    rf"([^{_NOT_IN_ADDRESS}'@][^{_NOT_IN_ADDRESS}@]*@[^{_NOT_IN_ADDRESS}'@?]*[^{_NOT_IN_ADDRESS}'@?.])"
)
"""The address within a mail address that may have a name, `mailto:`, quotes or brackets around it."""

HANDLE = r"^(?:acct:|[@\x20])*"
"""What may stand before a handle, also more than once: a handle that was cleaned stays as it is."""

_SIGNS = r"!-/:-@\[-`{-~\x20\xa1\xa7\xab\xb7\xbb\xbf\u2010-\u2027\u2030-\u205e\u2212\u3001\u3002"
_AROUND = r"""[\x20"'()<>\[\]{}]*"""
_NOTHING = (
    rf"[{_SIGNS}]*",
    r"[-_.:{}()x\x20]*0[-_.:{}()0x\x20]*",
    r"\{?([0-9a-f])\1{7}(?:-?\1{4}){3}-?\1{12}\}?",
    r"\{\{.*\}\}|\$\{.*\}|<%.*%>|%[a-z_]+%|\{[a-z_]+\}|\$[a-z_]+",
)
"""Beside the words: no letter and no digit; zeros alone; a UUID of one digit; a placeholder never filled in."""

_SHIPPED = REPOSITORY / "spark_jobs" / "identity" / "rules.yml"
_OPTIONS = ("plus_tags", "dots")
_ENDS_OF_WORDS = ("", "()", "[]", "<>", "{}", '""', "''")
_MOST_DIGITS = 40


@dataclass(frozen=True)
class Cleaning:
    """The part of the rules of identity that says what an identifier is."""

    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Kind -> what names nobody, lower case; `test@` is every address with that name before the @."""
    same_digit: int = 4
    """From so many equal digits on, a number is none; 0: never."""
    without_plus_tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Kind -> domains whose addresses lose `+tag`; no domain: all."""
    without_dots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Kind -> domains whose addresses lose the dots before the @; no domain: all."""

    @cached_property
    def _no_values(self) -> dict[str, str]:
        return {kind: self._no_value(kind) for kind in IDENTIFIER_KINDS}

    def no_value(self, kind: str) -> str:
        """The pattern of cleaned values of a kind that name nobody."""
        return self._no_values[kind]

    def _no_value(self, kind: str) -> str:
        words = self.words.get(kind, ())
        whole = "|".join(re.escape(word) for word in words if not word.endswith("@"))
        names = "|".join(re.escape(word[:-1]) for word in words if word.endswith("@"))
        digits = rf"([0-9])\2{{{self.same_digit - 1},}}" if self.same_digit else ""
        patterns = (*_NOTHING[:3], digits, _NOTHING[3], whole and f"{_AROUND}(?:{whole}){_AROUND}")
        mails = (names and f"(?:{names})@.*",)
        return "|".join(pattern for pattern in (*patterns, *mails) if pattern)

    def removals(self, kind: str) -> list[str]:
        """Patterns of what the options of a kind take out of a cleaned address."""
        patterns = []
        if kind in self.without_plus_tags:
            patterns.append(r"(?<!^)\+[^@]*" + _before(self.without_plus_tags[kind]))
        if kind in self.without_dots:
            patterns.append(r"\.(?=[^@]*" + _before(self.without_dots[kind]) + ")")
        return patterns

    def cleaned(self, kind: str, value: str) -> str:
        """A raw identifier as it is hashed; empty where nothing is left of it."""
        text = value
        if not re.fullmatch(PLAIN, text):
            form, blank = ("NFKC", "") if kind == "email" else ("NFC", " ")
            text = unicodedata.normalize(form, re.sub(INVISIBLE, "", text)).lower().replace("ς", "σ")
            text = re.sub(BLANKS, blank, unicodedata.normalize(form, text))
            text = unicodedata.normalize(form, text)  # what a blank kept apart may be one letter
        text = text.strip(" ").lower()
        if kind == "email":
            found = re.search(MAIL, text.replace(" ", "")[:MOST_CHARACTERS], re.DOTALL)
            text = found[1] if found else ""
        elif kind == "handle":
            text = re.sub(HANDLE, "", text)
        for pattern in self.removals(kind):
            text = re.sub(pattern, "", text)
        return text

    def names_nobody(self, kind: str, value: str) -> bool:
        """Whether a raw value is no identifier."""
        return bool(re.fullmatch(self.no_value(kind), self.cleaned(kind, value), re.DOTALL))

    def known_as_nobody(self) -> set[tuple[str, str]]:
        """(kind, value) of what names nobody, in the forms that lakes mapped by earlier releases may hold."""
        numbers = {"0" * length for length in range(1, _MOST_DIGITS + 1)}
        if self.same_digit:
            numbers |= {digit * length for digit in "123456789" for length in range(self.same_digit, _MOST_DIGITS + 1)}
        numbers |= {f"{digit * 8}-{digit * 4}-{digit * 4}-{digit * 4}-{digit * 12}" for digit in "0123456789abcdef"}
        numbers |= {"0x0", "0.0", "0-0", *(sign * length for sign in "-_.?*#/" for length in range(1, 6))}
        found = set(product(IDENTIFIER_KINDS, numbers | {"{}", "[]", "()", '""', "''", "<>"}))
        for kind in IDENTIFIER_KINDS:
            for word, ends in product(self.words.get(kind, ()), _ENDS_OF_WORDS):
                found.add((kind, ends[:1] + word + ends[1:]))
        return found


def _before(domains: Iterable[str]) -> str:
    """A look at what follows the name in an address: @ and one of the domains, or any."""
    return rf"(?=@(?:{'|'.join(map(re.escape, domains))})$)" if domains else "(?=@)"


def load_cleaning(settings: Settings) -> Cleaning:
    """What the rules of identity say of identifiers; what an own file leaves out is as in that which comes with it.

    Raises:
        SettingsError: something in it fits nowhere; the error names the line.
    """
    return _loaded(settings.identity_rules)


@cache
def current_cleaning() -> Cleaning:
    """`load_cleaning` of the rules that the environment names: mappings and commands must clean alike."""
    return load_cleaning(Settings.from_env())


def _loaded(file: Path) -> Cleaning:
    if file == _SHIPPED or not file.is_file():
        return shipped_cleaning()
    sections = read_yaml(file, SettingsError).mapping()
    return _cleaning({name: sections[name] for name in SECTIONS if name in sections}, shipped_cleaning())


@cache
def shipped_cleaning() -> Cleaning:
    """What the rules of identity that come with Nightshift say of identifiers."""
    return _cleaning(read_yaml(_SHIPPED, SettingsError).mapping(), Cleaning())


def _cleaning(sections: Mapping[str, YamlValue], default: Cleaning) -> Cleaning:
    words, same_digit = default.words, default.same_digit
    if "no_value" in sections:
        lists = sections["no_value"].mapping(("all", *IDENTIFIER_KINDS, "same_digit"))
        for_all = _words(lists.get("all"))
        words = {kind: tuple(sorted({*for_all, *_words(lists.get(kind))})) for kind in IDENTIFIER_KINDS}
        if "same_digit" in lists:
            same_digit = lists["same_digit"].whole_number(least=0)
            if same_digit == 1:
                raise lists["same_digit"].misfit("0 (never) or at least 2")
    options: dict[str, dict[str, tuple[str, ...]]] = {
        "plus_tags": dict(default.without_plus_tags),
        "dots": dict(default.without_dots),
    }
    if "cleaning" in sections:
        options = {name: {} for name in _OPTIONS}
        for kind, section in sections["cleaning"].mapping(IDENTIFIER_KINDS).items():
            for name, value in section.mapping(_OPTIONS).items():
                if isinstance(value.content, list):
                    options[name][kind] = tuple(item.text().lower().lstrip("@") for item in value.items())
                elif value.one_of(("keep", "remove")) == "remove":
                    options[name][kind] = ()
    return Cleaning(words, same_digit, options["plus_tags"], options["dots"])


def _words(section: YamlValue | None) -> list[str]:
    if section is None:
        return []
    found = []
    for value in section.items():
        word = value.text().strip().lower()
        if not word.strip("@"):
            raise value.misfit("a word that names nobody", "remove it: what is empty is none anyway")
        found.append(word)
    return found
