"""A person's traces found, and taken out of every file: the plan that a dry run shows, and its execution."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import LakeError
from contracts.keys import pseudonym_keys
from contracts.pseudonyms import keyed
from contracts.report import say
from contracts.settings import Settings
from privacy import lake_files as files
from privacy.raw_files import Names, Rewritten, rewritten
from privacy.raw_rows import RawRows
from privacy.request import DRAFT, Change, Request, draft_of, sha256
from privacy.scan import progress
from privacy.search import Found, Needles, files_below, search
from privacy.subject import Subject
from spark_jobs.mapping.spec import known_sources, load_spec

MODELS = ("artifacts", "mlflow.db")
"""What is below home and belongs to the model registry: `python -m training.forget` takes them out of it."""


@dataclass
class Traces:
    """Where a person is named: what a dry run shows, and what an enforced run works through."""

    places: dict[Path, dict[str, int]]
    """File -> what was found there, and how often."""
    rows: RawRows
    searched: Found


def look(settings: Settings, subject: Subject, rows: RawRows) -> Traces:
    """Search every file below home and raw, but keys, tombstones and requests, for what names the person."""
    needles = Needles(subject.needles())
    total, places = Found(not_searched=needles.not_searched), {}
    for root, left_out in _roots(settings):
        with progress() as tell:
            found = search(root, _without_drafts(files_below(root, without=left_out)), needles, tell=tell)
        for (place, kind), times in found.places.items():
            places.setdefault(root / place, {})[kind] = times
        total.files += found.files
        total.bytes += found.bytes
        total.unpacked_bytes += found.unpacked_bytes
        total.seconds += found.seconds
        total.places.update({(place_of(settings, root / place), kind): n for (place, kind), n in found.places.items()})
    return Traces(places, rows, total)


def place_of(settings: Settings, file: Path) -> str:
    """A file as receipts name it: below home, or `raw/...` where raw lies elsewhere."""
    if file.is_relative_to(settings.home.root):
        return str(file.relative_to(settings.home.root))
    return f"raw/{file.relative_to(settings.raw)}"


def raw_rewrites(settings: Settings, subject: Subject, traces: Traces) -> Iterator[tuple[Path, Rewritten]]:
    """Every raw file with rows of the person or with their names, and what it becomes."""
    names, rows = Names(subject.raw_values), traces.rows
    named = {settings.raw / source / f"ds={ds}" / file for source, ds, file in rows.texts}
    named |= {file for file in traces.places if file.is_relative_to(settings.raw)}
    for file in sorted(named):
        parts = file.relative_to(settings.raw).parts
        if len(parts) == 3 and parts[0] in known_sources() and file.is_file():
            source, day, name = parts
            key = (source, day.removeprefix("ds="), name)
            reading = load_spec(source).read
            done = rewritten(file.read_bytes(), reading, rows.texts.get(key, set()), rows.keys.get(key, set()), names)
            if done.rows or done.names:
                yield file, done


def row_ids(settings: Settings, subject: Subject, traces: Traces) -> set[str]:
    """Under which ids rows of the person may stand in quarantine."""
    texts = {text for found in traces.rows.texts.values() for text in found}
    texts |= {text for _, done in raw_rewrites(settings, subject, traces) for text in done.deleted}
    return {keyed(pseudonym_keys(settings), text) for text in texts}


def pictures(settings: Settings, rows: RawRows) -> list[Path]:
    """The pictures that came with the person's rows; only files below the day that delivered them."""
    found = []
    for source, ds, path in sorted(rows.pictures):
        folder = (settings.raw / source / f"ds={ds}").resolve()
        file = (folder / path).resolve()
        if file.is_relative_to(folder) and file.is_file():
            found.append(file)
    return found


def erase(settings: Settings, request: Request, subject: Subject, ids: set[str], traces: Traces) -> None:
    """Take the person out of every file: the lake and what was made of it first, raw last.

    Raises:
        LakeError: a file cannot be written.
    """
    for draft in settings.home.root.rglob(f"{DRAFT}*"):
        draft.unlink()
    try:
        _clear_leftovers(settings, request)
        _erase_beside_raw(settings, request, subject, ids, traces)
        for file in pictures(settings, traces.rows):
            request.delete(file, place=place_of(settings, file), what="pictures that they posted")
        for file, done in raw_rewrites(settings, subject, traces):
            _write_raw(settings, request, file, done)
    except PermissionError as error:
        raise LakeError(
            expected="to be allowed to change every file that names the person",
            received=f"a refusal for {error.filename}",
            remedy="run the command as the owner of the files; run again, it goes on where it stopped",
        ) from error


def _clear_leftovers(settings: Settings, request: Request) -> None:
    """What killed jobs left: rows that were never published, and states of trainings."""
    for folder in (settings.home.lake / ".runs" / ".staging", settings.home.audiences / ".runs" / ".staging"):
        shutil.rmtree(folder, ignore_errors=True)
    for file in files_below(settings.home.checkpoints):
        request.delete(file, place=place_of(settings, file), what="states of unfinished trainings")


def _erase_beside_raw(settings: Settings, request: Request, subject: Subject, ids: set[str], traces: Traces) -> None:
    named = files.Named(subject.needles(), {*subject.identifiers, *subject.person_ids, *ids})
    quarantined = list(files_below(settings.home.lake / ".runs" / "quarantine")) if ids else []
    beside = {file for file in traces.places if not file.is_relative_to(settings.raw)}
    if any({*found} - {*subject.person_ids} for found in subject.ids_of_day.values()):
        # an id that is somebody else's today is no value to search for, but meant this person on some day
        tables = files_below(settings.home.root, without=[settings.raw, *_kept(settings)])
        beside |= {file for file in tables if file.suffix == ".parquet"}
    for number, file in enumerate(sorted({*beside, *quarantined})):
        place = place_of(settings, file)
        if place.split("/")[0] in MODELS or not file.exists():
            continue
        if number % 200 == 199:
            say(f"forget: {number + 1:,} files looked at")
        _erase_from(request, subject, named, file, place)


def _erase_from(request: Request, subject: Subject, named: files.Named, file: Path, place: str) -> None:
    kind, draft, day = files.kind_of(file), draft_of(file), files.day_of(place)
    ids = subject.ids_on(day)
    what = "rows"
    if named.are_in(file.name) or kind == "other":
        request.delete(file, place=named.replaced(place), what="whole files")
        return
    if kind == "parquet":
        gone = files.without_rows(file, draft, named, ids)
    elif kind == "csv":
        gone = files.without_records(file, draft, named, ids)
    elif kind == "duckdb":
        gone = files.warehouse_anew(file, draft, named, subject.ids_of_day)
        what = "a warehouse: the history without them; the next night makes the rest anew"
    elif kind == "sqlite":
        before = sha256(file)
        gone = files.cells_replaced(file, named)  # in its place, as its server may have it open
        request.note(Change(place, "cells in which [erased] stands now", gone, before, sha256(file)))
        return
    else:
        gone = files.without_names(file, draft, named)
        what = "lines in which [erased] stands now"
    if gone or kind == "duckdb":
        request.replace(file, draft, place=place, what=what, rows=gone)
    else:
        draft.unlink()


def _write_raw(settings: Settings, request: Request, file: Path, done: Rewritten) -> None:
    place = place_of(settings, file)
    if done.empty:
        request.delete(file, place=place, what="deliveries of which nothing was left")
        if not any(one.is_file() for one in file.parent.iterdir()):
            shutil.rmtree(file.parent)
        return
    draft = draft_of(file)
    draft.write_bytes(done.content)
    what = "rows" if done.rows else "rows of others in which their name is empty now"
    request.replace(file, draft, place=place, what=what, rows=done.rows or done.names)


def _kept(settings: Settings) -> list[Path]:
    """What holds no name by its making, or is the request itself."""
    return [settings.pseudonym_key_file.parent, *settings.home.kept_by_erasure()]


def _roots(settings: Settings) -> list[tuple[Path, list[Path]]]:
    roots = [(settings.home.root, _kept(settings))]
    if not settings.raw.is_relative_to(settings.home.root):
        roots.append((settings.raw, []))
    return roots


def _without_drafts(found: Iterable[Path]) -> Iterator[Path]:
    return (file for file in found if not file.name.startswith(DRAFT))
