"""`privacy scan`: does anything outside raw name a person? Ends with a table, and with 1 if anything does.

Looks for every value that a mapping turns into a pseudonym, and for what looks like an e-mail address, a phone number
or a full IP address, in every file below a folder, unpacked. Left out are `raw/` itself, `secrets/`, and `truth/`, the
secret of the simulated town; what looks like a name and is none stands in scan_allowed.yml, each with its reason.
With a subject, raw and everything else is searched for that person's values, pseudonyms and ids alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.errors import SettingsError
from contracts.report import say
from contracts.settings import Settings
from privacy.raw_rows import raw_values, rows_of
from privacy.search import Allowed, Found, Needles, files_below, search
from privacy.subject import find_subject
from spark_jobs.session import start_session

_SAY_EVERY_SECONDS = 5
_FILES_SHOWN = 40


def scan(settings: Settings, folder: Path | None, subject: str | None) -> Found:
    """Search, and print what was found, by file and kind and never by value.

    Raises:
        SettingsError: there is no such folder, or the subject cannot be understood.
    """
    root = (folder or settings.home.root).resolve()
    if not root.is_dir():
        raise SettingsError(expected=f"a folder {root} to search", received="no such folder", remedy="name another")
    session = start_session(settings, "scan")
    if subject is None:
        needles = Needles(raw_values(session, settings))
        left_out = [settings.raw, settings.home.truth, settings.pseudonym_key_file.parent]
        say(f"scan {root}: {len(needles):,} values that mappings turn into pseudonyms")
        found = watched(root, needles, left_out, allowed=Allowed.listed())
    else:
        person = find_subject(settings, subject)
        needles = Needles(rows_of(session, settings, person.identifiers).values | person.needles())
        say(f"scan {root}: {len(needles):,} values, pseudonyms and ids of the person")
        found = watched(root, needles, [settings.home.secrets])
    show(found)
    return found


def watched(root: Path, needles: Needles, left_out: list[Path], *, allowed: list[Allowed] | None = None) -> Found:
    """Search every file below `root` and say how far it is."""
    with progress() as tell:
        return search(root, files_below(root, without=left_out), needles, allowed=allowed, tell=tell)


def show(found: Found) -> None:
    """Print what a search came to."""
    unpacked, plain = found.unpacked_bytes / 1e6, found.bytes / 1e6
    print(f"\n{found.files:,} files, {plain:,.1f} MB and {unpacked:,.1f} MB unpacked, in {found.seconds:.1f} s")
    for reason, times in sorted(found.allowed.items()):
        print(f"  let pass   {times:>7,}  {reason}")
    for kind, values in sorted(found.not_searched.items()):
        print(f"  not searched {values:>5,}  values of the kind {kind}: too short or too ordinary to be told from text")
    for kind, times in found.by_kind().items():
        print(f"  FOUND      {times:>7,}  {kind}")
    for (file, kind), times in sorted(found.places.items())[:_FILES_SHOWN]:
        print(f"    {file}: {kind}, {times:,} times")
    if len(found.places) > _FILES_SHOWN:
        print(f"    ... and {len(found.places) - _FILES_SHOWN:,} more places")
    print(f"found: {found.total:,}")
    sys.stdout.flush()


@contextmanager
def progress() -> Iterator[Callable[[Found], None]]:
    """What tells every few seconds how far a search is."""
    last = time.monotonic()

    def tell(found: Found) -> None:
        nonlocal last
        if time.monotonic() - last > _SAY_EVERY_SECONDS:
            last = time.monotonic()
            say(f"scan: {found.files:,} files, {(found.bytes + found.unpacked_bytes) / 1e6:,.0f} MB so far")

    yield tell
