"""`privacy scan`: does anything outside raw name a person? Ends with a table, and with 1 if anything does.

Looks for every value that a mapping turns into a pseudonym, and for what looks like an e-mail address, a phone number
or a full IP address, in every file below a folder, unpacked. Left out are `raw/` itself, `secrets/`, and `truth/`, the
secret of the simulated town; what looks like a name and is none stands in allowed.yml, each with its reason.
With a subject, raw and everything else is searched for that person's values, pseudonyms and ids alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

from contracts.errors import SettingsError
from contracts.report import say
from contracts.settings import Settings
from privacy.matcher import SearchPatterns
from privacy.occurrences import roots
from privacy.raw_rows import raw_values, rows_of
from privacy.search import Allowed, SearchResult, files_below, progress, search
from privacy.subject import find_subject
from spark_jobs.session import start_session

_FILES_SHOWN = 40


def scan(settings: Settings, folder: Path | None, subject: str | None) -> SearchResult:
    """Search, and print what was found, by file and kind and never by value.

    Raises:
        SettingsError: there is no such folder, or the subject names nobody.
    """
    root = (folder or settings.home.root).resolve()
    if not root.is_dir():
        raise SettingsError(expected=f"a folder {root} to search", received="no such folder", remedy="name another")
    if subject is None:
        result = _scan_for_names(settings, root)
    else:
        result = _scan_for_person(settings, [root] if folder else roots(settings), subject)
    show(result)
    return result


def _scan_for_names(settings: Settings, root: Path) -> SearchResult:
    patterns = SearchPatterns(raw_values(start_session(settings, "scan"), settings))
    say(f"scan {root}: {len(patterns):,} values that mappings turn into pseudonyms")
    left_out = [settings.raw, settings.home.truth, settings.pseudonym_key_file.parent]
    with progress("scan") as report_progress:
        files = files_below(root, without=left_out)
        return search(root, files, patterns, allowed=Allowed.listed(), report_progress=report_progress)


def _scan_for_person(settings: Settings, folders: list[Path], subject: str) -> SearchResult:
    person = find_subject(settings, subject)
    rows = rows_of(start_session(settings, "scan"), settings, person.identifiers)
    patterns = SearchPatterns(person.with_raw(rows.values, rows.days).search_values())
    say(f"scan {', '.join(map(str, folders))}: {len(patterns):,} values, pseudonyms and ids of the person")
    total = SearchResult()
    for folder in folders:
        with progress("scan") as report_progress:
            files = files_below(folder, without=[settings.home.secrets])
            total.add(search(folder, files, patterns, report_progress=report_progress))
    return total


def show(result: SearchResult) -> None:
    """Print what a search came to."""
    unpacked, plain = result.unpacked_bytes / 1e6, result.bytes / 1e6
    print(f"\n{result.files:,} files, {plain:,.1f} MB and {unpacked:,.1f} MB unpacked, in {result.seconds:.1f} s")
    for reason, times in sorted(result.allowed.items()):
        print(f"  let pass   {times:>7,}  {reason}")
    for kind, values in sorted(result.not_searched.items()):
        print(f"  not searched {values:>5,}  values of the kind {kind}: too short or too ordinary to be told from text")
    for kind, times in result.by_kind().items():
        print(f"  FOUND      {times:>7,}  {kind}")
    for (file, kind), times in sorted(result.places.items())[:_FILES_SHOWN]:
        print(f"    {file}: {kind}, {times:,} times")
    if len(result.places) > _FILES_SHOWN:
        print(f"    ... and {len(result.places) - _FILES_SHOWN:,} more places")
    print(f"found: {result.total:,}")
    sys.stdout.flush()
