"""Where a person is named in the files below home and raw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contracts.erasure import Subject
from contracts.settings import Settings
from privacy.matcher import SearchPatterns
from privacy.raw_rows import RawRows
from privacy.request import DRAFT
from privacy.search import SearchResult, files_below, progress, search


@dataclass(frozen=True)
class Occurrences:
    """What a dry run shows, and what an enforced run works through."""

    files: dict[Path, dict[str, int]]
    """File -> what was found there, and how often."""
    rows: RawRows
    search: SearchResult

    def __bool__(self) -> bool:
        return bool(self.files or self.rows.texts)


def find_occurrences(settings: Settings, subject: Subject, rows: RawRows) -> Occurrences:
    """Search every file below home and raw, but keys, tombstones and requests, for what names the person."""
    patterns = SearchPatterns(subject.search_values())
    total, named = SearchResult(not_searched=patterns.not_searched), {}
    for root in roots(settings):
        searched = (file for file in erasable_files(settings, root) if not file.name.startswith(DRAFT))
        with progress("forget") as report_progress:
            result = search(root, searched, patterns, report_progress=report_progress)
        for (place, kind), times in result.places.items():
            named.setdefault(root / place, {})[kind] = times
        total.add(result, lambda place, root=root: place_of(settings, root / place))
    return Occurrences(named, rows, total)


def roots(settings: Settings) -> list[Path]:
    """The folders that an erasure works on: home, and raw where it lies elsewhere."""
    home = settings.home.root
    return [home] if settings.raw.is_relative_to(home) else [home, settings.raw]


def erasable_files(settings: Settings, root: Path) -> Iterator[Path]:
    """Every file below a root that an erasure may change: not keys, tombstones and requests."""
    return files_below(root, without=[settings.pseudonym_key_file.parent, *settings.home.by_erasure("kept")])


def place_of(settings: Settings, file: Path) -> str:
    """A file as receipts name it: below home, or `raw/...` where raw lies elsewhere."""
    home = settings.home.root
    return str(file.relative_to(home) if file.is_relative_to(home) else Path("raw") / file.relative_to(settings.raw))
