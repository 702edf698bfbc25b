"""The search for what names people: known values, and what looks like a name, in every file of a folder, unpacked."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contracts.checked_yaml import YamlValue, read_yaml
from contracts.errors import SettingsError
from contracts.report import say
from privacy.file_formats import is_text
from privacy.matcher import SearchPatterns, lowered
from privacy.unpacking import Part, parts_of

_PROGRESS_EVERY_SECONDS = 5

ALLOWED = Path(__file__).with_name("allowed.yml")
_KEYS = ("what", "where", "why")

_LOOKS_LIKE = {
    "an e-mail address": rb"(?<![a-z0-9._%+-])[a-z0-9._%+-]{1,64}(?:@|%40)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}",
    "a phone number": rb"(?<![\w.+:/-])(?:\+|00)[1-9]\d{0,2}[ ./-]?(?:\(\d{1,4}\)[ ./-]?)?"
    rb"\d(?:[ ./-]?\d){6,11}(?![\w.])"
    rb"|(?<![\w.+:/-])0[1-9]\d{1,3}[ /-]\d{3,4}[ -]?\d{2,5}(?![\w.:-])",
    "a full IP address": rb"(?<![\w.+-])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w/]|\.\d)"
    rb"|(?<![\w:.])[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){3,6}:[0-9a-f]{1,4}(?![\w:/])",
}
_LOOKS_LIKE_PATTERNS = {kind: re.compile(written) for kind, written in _LOOKS_LIKE.items()}


@dataclass(frozen=True)
class Allowed:
    """What looks like a name and is none where it stands."""

    what: re.Pattern[bytes]
    where: re.Pattern[str]
    why: str

    @classmethod
    def listed(cls, file: Path = ALLOWED) -> list[Allowed]:
        """The patterns of the file.

        Raises:
            SettingsError: a key or a pattern that does not fit; the error names its line.
        """
        listed = [entry.mapping(_KEYS, required=_KEYS) for entry in read_yaml(file, SettingsError).items()]
        return [
            cls(_compiled(given["what"], str.encode), _compiled(given["where"], str), given["why"].text())
            for given in listed
        ]


def _compiled(value: YamlValue, encode: Callable[[str], Any]) -> re.Pattern[Any]:
    try:
        return re.compile(encode(value.text()))
    except re.error as error:
        raise value.misfit("a regular expression", f"correct it ({error})") from None


@dataclass
class SearchResult:
    """What a search found, and in how much."""

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

    def add(self, other: SearchResult, place: Callable[[str], str] = str) -> None:
        """Count what another search found, of the same values and other files, whose names `place` may change."""
        self.files += other.files
        self.bytes += other.bytes
        self.unpacked_bytes += other.unpacked_bytes
        self.seconds += other.seconds
        self.places.update({(place(file), kind): times for (file, kind), times in other.places.items()})
        self.allowed.update(other.allowed)
        self.not_searched = other.not_searched

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
    patterns: SearchPatterns,
    *,
    allowed: Iterable[Allowed] | None = None,
    report_progress: Callable[[SearchResult], Any] = lambda _: None,
) -> SearchResult:
    """Look for values, and unless `allowed` is None for what looks like a name, in every piece of every file.

    What looks like a name is looked for in text and in the cells of tables; other bytes would show it by chance. A file
    that is deleted meanwhile is left out.

    Args:
        root: files are named as they stand below it.
        report_progress: called after each file.
    """
    allowed = None if allowed is None else list(allowed)
    result, started = SearchResult(not_searched=patterns.not_searched), time.monotonic()
    for file in files:
        place = str(file.relative_to(root))
        try:
            size = file.stat().st_size
            for part in parts_of(file):
                _search_part(part, place, patterns, allowed, result)
        except FileNotFoundError:
            continue
        except Exception as error:  # of any kind: a file that cannot be searched must not pass for clean
            result.places[place, f"what cannot be read ({type(error).__name__})"] += 1
        result.files += 1
        result.bytes += size
        result.places.update({(place, kind): times for kind, times in patterns.count_in(place.encode()).items()})
        result.seconds = time.monotonic() - started
        report_progress(result)
    return result


def _search_part(
    part: Part, place: str, patterns: SearchPatterns, allowed: list[Allowed] | None, result: SearchResult
) -> None:
    if part.within:
        result.unpacked_bytes += len(part.data)
    for kind, times in patterns.count_in(part.data).items():
        result.places[place, kind] += times
    if allowed is None or not (part.cells or is_text(part.data)):
        return
    low, where = lowered(part.data), f"{place}!{part.within}" if part.within else place
    allowed_here = [one for one in allowed if one.where.search(where)]
    for kind, looks_like in _LOOKS_LIKE_PATTERNS.items():
        for match in looks_like.finditer(low):
            reason = next((one.why for one in allowed_here if one.what.fullmatch(match[0])), None)
            if reason:
                result.allowed[reason] += 1
            else:
                result.places[place, kind] += 1


@contextmanager
def progress(command: str) -> Iterator[Callable[[SearchResult], None]]:
    """What says every few seconds how many files and bytes a search has done."""
    last = time.monotonic()

    def report_progress(result: SearchResult) -> None:
        nonlocal last
        if time.monotonic() - last > _PROGRESS_EVERY_SECONDS:
            last = time.monotonic()
            megabytes = (result.bytes + result.unpacked_bytes) / 1e6
            say(f"{command}: {result.files:,} files, {megabytes:,.0f} MB so far")

    yield report_progress
