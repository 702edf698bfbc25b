"""The search for what names people: known values and patterns, in every file of a folder, unpacked."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from privacy.unpacking import Part, parts_of

ALLOWED = Path(__file__).with_name("allowed.yml")

_WORD = re.compile(rb"[a-z0-9_\x80-\xff]+")
_BEGINS = rb"(?<![a-z0-9_\x80-\xff])"
_ENDS = rb"(?![a-z0-9_\x80-\xff])"
_MORE = {
    # what would make a longer address or handle of it
    "email": (rb"(?<![a-z0-9_][.+-])", rb""),
    "handle": (rb"", rb"(?!@[a-z0-9])"),
}

_PATTERNS = {
    "an e-mail address": rb"(?<![a-z0-9._%+-])[a-z0-9._%+-]{1,64}(?:@|%40)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}",
    "a phone number": rb"(?<![\w.+:/-])(?:\+|00)[1-9]\d{0,2}[ ./-]?(?:\(\d{1,4}\)[ ./-]?)?"
    rb"\d(?:[ ./-]?\d){6,11}(?![\w.])"
    rb"|(?<![\w.+:/-])0[1-9]\d{1,3}[ /-]\d{3,4}[ -]?\d{2,5}(?![\w.:-])",
    "a full IP address": rb"(?<![\w.+-])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w/]|\.\d)"
    rb"|(?<![\w:.])[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){3,6}:[0-9a-f]{1,4}(?![\w:/])",
}
_COMPILED = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}


def told_apart(value: str) -> bool:
    """Whether a value can be told from ordinary text: 6 characters, 5 of letters and digits mixed, 8 of one sort."""
    digits, letters = any(map(str.isdigit, value)), any(map(str.isalpha, value))
    plain = value.isalnum()
    return len(value) >= (5 if digits and letters else 8 if plain else 6)


class Needles:
    """Values to search for, however many: each begins with a word, and a text without that word is passed over."""

    def __init__(self, values: Mapping[str, str]) -> None:
        """`values`: value -> what it is, for example `email`. Case is ignored, and a value ends where a word does."""
        self.not_searched: Counter[str] = Counter()
        self.left_out: set[str] = set()
        self._by_word: dict[bytes, dict[bytes, str]] = {}
        for value, kind in values.items():
            if not told_apart(value):
                self.not_searched[kind] += 1
                self.left_out.add(value)
                continue
            for written in {value.lower(), quote(value, safe="").lower(), json.dumps(value.lower())[1:-1]}:
                needle = written.encode()
                if word := _WORD.search(needle):
                    self._by_word.setdefault(word[0], {})[needle] = kind

    def __len__(self) -> int:
        return sum(map(len, self._by_word.values()))

    def found_in(self, data: bytes) -> Counter[str]:
        """What was found -> how often."""
        found: Counter[str] = Counter()
        low = lowered(data)
        for word in self._by_word.keys() & set(_WORD.findall(low)):
            for needle, kind in self._by_word[word].items():
                found[kind] += len(pattern(needle, kind).findall(low)) if needle in low else 0
        return +found


def lowered(data: bytes) -> bytes:
    """Lower case, of letters beyond ASCII too; what is no UTF-8 stays as it is."""
    if data.isascii():
        return data.lower()
    return data.decode(errors="surrogateescape").lower().encode(errors="surrogateescape")


def pattern(needle: bytes, kind: str) -> re.Pattern[bytes]:
    """Where a value stands by itself, and is no part of a longer one."""
    before, after = _MORE.get(kind, (b"", b""))
    begins = _BEGINS if _WORD.match(needle) else b""
    return re.compile(begins + before + re.escape(needle) + _ENDS + after)


@dataclass(frozen=True)
class Allowed:
    """A pattern that names nobody where it stands."""

    what: re.Pattern[bytes]
    where: re.Pattern[str]
    why: str

    @classmethod
    def listed(cls, file: Path = ALLOWED) -> list[Allowed]:
        return [
            cls(re.compile(one["what"].encode()), re.compile(one["where"]), one["why"])
            for one in yaml.safe_load(file.read_text())
        ]


@dataclass
class Found:
    """What a search came to."""

    files: int = 0
    bytes: int = 0
    unpacked_bytes: int = 0
    seconds: float = 0.0
    places: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(file, what stands there) -> how often; never the value."""
    allowed: Counter[str] = field(default_factory=Counter)
    """Reason -> how often a pattern was let pass for it."""
    not_searched: Counter[str] = field(default_factory=Counter)
    """Kind -> values that cannot be told from ordinary text."""

    @property
    def total(self) -> int:
        return sum(self.places.values())

    def by_kind(self) -> dict[str, int]:
        kinds: Counter[str] = Counter()
        for (_, kind), times in self.places.items():
            kinds[kind] += times
        return dict(sorted(kinds.items()))

    def by_file(self) -> dict[str, int]:
        files: Counter[str] = Counter()
        for (file, _), times in self.places.items():
            files[file] += times
        return dict(sorted(files.items()))


def files_below(folder: Path, *, without: Iterable[Path] = ()) -> Iterator[Path]:
    """Every file below a folder, once, links not followed; not those below the folders `without`."""
    left_out = set(without)
    for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
        if entry in left_out or entry.is_symlink():
            continue
        if entry.is_dir():
            yield from files_below(entry, without=left_out)
        elif entry.is_file():
            yield entry


def search(
    root: Path,
    files: Iterable[Path],
    needles: Needles,
    *,
    allowed: Iterable[Allowed] | None = None,
    tell: Callable[[Found], Any] = lambda _: None,
) -> Found:
    """Look for values, and for patterns unless `allowed` is None, in every piece of every file.

    Patterns are looked for in text and in the cells of tables; other bytes would show them by chance.

    Args:
        root: files are named as they stand below it.
        tell: called after each file.
    """
    allowed = None if allowed is None else list(allowed)
    found, started = Found(not_searched=needles.not_searched), time.monotonic()
    for file in files:
        place = str(file.relative_to(root))
        found.files += 1
        found.bytes += file.stat().st_size
        found.places.update({(place, kind): times for kind, times in needles.found_in(place.encode()).items()})
        try:
            for part in parts_of(file):
                _look(part, place, needles, allowed, found)
        except Exception as error:  # whatever it is, what cannot be searched must not pass for clean
            found.places[place, f"what cannot be read ({type(error).__name__})"] += 1
        found.seconds = time.monotonic() - started
        tell(found)
    return found


def _look(part: Part, place: str, needles: Needles, allowed: list[Allowed] | None, found: Found) -> None:
    if part.within:
        found.unpacked_bytes += len(part.data)
    for kind, times in needles.found_in(part.data).items():
        found.places[place, kind] += times
    if allowed is None or not (part.cells or is_text(part.data)):
        return
    low, where = lowered(part.data), f"{place}!{part.within}" if part.within else place
    here = [one for one in allowed if one.where.search(where)]
    for kind, wanted in _COMPILED.items():
        for match in wanted.finditer(low):
            reason = next((one.why for one in here if one.what.fullmatch(match[0])), None)
            if reason:
                found.allowed[reason] += 1
            else:
                found.places[place, kind] += 1


def is_text(data: bytes) -> bool:
    """Whether bytes are UTF-8 without null bytes."""
    if b"\0" in data[:8192]:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
