"""Say what is wrong with a home, and mend what can be mended without losing anything.

The home is the one of the settings (NIGHTSHIFT_HOME, as `. ops/env.sh` sets it). Each finding is one line: what was
found, and what to do. With --mend the findings that are marked `can be mended` are mended, while no step of a night is
at work. Nothing that a person could still need is deleted: data, versions and runs stay.

    addresses     MLflow names files of a place from which the home was copied or moved: rewritten
    aliases       an alias points to a version that was deleted: removed; promotion starts without it
    versions      a version lacks its day, its run or its files; a run lacks its files: train again
    lake          links to folders that are gone, folders that were never published, leftover staging: removed
    keys          another key than the lake was hashed under, a rotation that was interrupted
    secrets       files that others may read: closed
    disk          less than one GiB free

Exit status 0: healthy. 1: something is wrong, or was not mended.

    . ops/env.sh; python -m ops.doctor
    . ops/env.sh; python -m ops.doctor --mend
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from contracts.entry_point import exit_with_sentence
from contracts.errors import SettingsError
from contracts.keys import read_keys, require_found, require_known
from contracts.lake import Lake
from contracts.registry_database import RegistryDatabase
from contracts.settings import Settings

LEAST_FREE_BYTES = 2**30


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong."""

    subject: str
    what: str
    remedy: str
    mend: Callable[[], object] | None = None
    """What mends it; None where a person has to."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m ops.doctor", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mend", action="store_true", help="mend what can be mended without losing anything")
    options = parser.parse_args()
    exit_with_sentence(lambda: sys.exit(doctor(Settings.from_env(), mend=options.mend)))


def doctor(settings: Settings, *, mend: bool = False) -> int:
    """Print what is wrong with a home, mending what can be; returns the exit status.

    Raises:
        SettingsError: there is no home.
        BusyError: with `mend`, a step of a night is at work.
    """
    home = settings.home
    if not home.root.is_dir():
        raise SettingsError(
            expected=f"a home in {home}", received="no such folder", remedy="set NIGHTSHIFT_HOME, or run `make nightly`"
        )
    left = 0
    alone = Lake(home.lake).alone(wait_seconds=0, rotating=True) if mend else contextlib.nullcontext()
    with alone:
        for finding in findings(settings):
            if mend and finding.mend is not None:
                finding.mend()
                print(f"{finding.subject}: {finding.what}; mended")
                continue
            left += 1
            hint = " (can be mended: --mend)" if finding.mend is not None else ""
            print(f"{finding.subject}: {finding.what}; {finding.remedy}{hint}")
    print(f"{home}: {f'{left} findings' if left else 'healthy'}")
    return 1 if left else 0


def findings(settings: Settings) -> Iterator[Finding]:
    """Everything that is wrong, subject by subject."""
    yield from _of_registry(settings)
    yield from _of_lake(Lake(settings.home.lake))
    yield from _of_lake(Lake(settings.home.audiences))
    yield from _of_keys(settings)
    yield from _of_secrets(settings)
    free = shutil.disk_usage(settings.home.root).free
    if free < LEAST_FREE_BYTES:
        yield Finding("disk", f"{free / 2**30:.1f} GiB free", "make room: a night needs at least one GiB")


def _of_registry(settings: Settings) -> Iterator[Finding]:
    database = RegistryDatabase.of(settings.registry_uri, settings.home.artifacts)
    if database is None:
        return
    if roots := database.stale_roots():
        yield Finding(
            "addresses",
            f"MLflow names files below {', '.join(roots)}, and they are here",
            "they are rewritten when a model is next trained, promoted or scored",
            database.move_addresses,
        )
    for model, alias, number in database.dangling_aliases():
        yield Finding(
            "aliases",
            f"{alias} of {model} is version {number}, which was deleted",
            "train and promote again",
            lambda model=model, alias=alias: database.remove_alias(model, alias),
        )
    if database.stale_roots():  # were not mended: whether files are missing is not known
        return
    for version, what in database.broken_versions():
        yield Finding("versions", f"{version} lacks {what}", "train again, and promote what was trained")
    for run in database.runs_without_files():
        yield Finding("versions", f"run {run} lacks its files", "restore them from a backup, or delete the run")


def _of_lake(lake: Lake) -> Iterator[Finding]:
    for link in sorted(lake.root.glob("*/ds=*")):
        if link.is_symlink() and not link.exists():
            remedy = "run that day again"
            yield Finding("lake", f"{link} leads to a folder that is gone", remedy, link.unlink)
    runs = lake.root / ".runs"
    for folder in sorted(runs.glob("*/*/*")):
        if folder.parts[-3] == ".staging":
            continue
        link = lake.partition(folder.parts[-3], folder.parts[-2])
        published = link.resolve().name if link.is_dir() else ""
        if folder.name > published:
            remedy = "a run that was killed has left it"
            yield Finding("lake", f"{folder} was never published", remedy, lambda folder=folder: shutil.rmtree(folder))
    for folder in sorted((runs / ".staging").glob("*")):
        if any(path.is_file() for path in folder.rglob("*")):
            remedy = "the next run of that step removes it"
            yield Finding("lake", f"{folder} is left over", remedy, lambda folder=folder: shutil.rmtree(folder))


def _of_keys(settings: Settings) -> Iterator[Finding]:
    if settings.home.rotation.exists():
        yield Finding("keys", "a rotation was interrupted", "end it: python -m privacy rotate-key")
        return
    file = settings.pseudonym_key_file
    try:
        require_found(settings.home.lake, file)
        if file.exists():
            require_known(settings.home.lake, read_keys(file), file)
    except SettingsError as error:
        yield Finding("keys", f"expected {error.expected}, but received {error.received}", error.remedy)


def _of_secrets(settings: Settings) -> Iterator[Finding]:
    folder = settings.home.secrets
    for place in [folder, *sorted(folder.rglob("*"))] if folder.is_dir() else []:
        if place.stat().st_mode & 0o077:
            mode = 0o700 if place.is_dir() else 0o600
            yield Finding("secrets", f"others may read {place}", f"chmod {mode:o} it", _closing(place, mode))


def _closing(place: Path, mode: int) -> Callable[[], None]:
    return lambda: place.chmod(mode)


if __name__ == "__main__":
    main()
