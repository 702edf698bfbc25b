"""A person taken out of every file: the plan that a dry run shows, and its execution."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contracts.erasure import Subject
from contracts.errors import LakeError
from contracts.keys import pseudonym_keys
from contracts.pseudonyms import keyed
from contracts.raw import CONTACTS
from contracts.report import say
from contracts.settings import Settings
from privacy import lake_files
from privacy.contacts import READING
from privacy.lake_files import ERASED_WORD
from privacy.matcher import PersonMatcher
from privacy.occurrences import Occurrences, erasable_files, place_of, roots
from privacy.raw_files import Rewritten, rewritten
from privacy.raw_rows import RawRows
from privacy.request import DRAFT, Change, Request, draft_of, sha256
from privacy.search import files_below
from spark_jobs.mapping.spec import known_sources, load_spec

_POSTED = "photos and sounds that they posted"
_SAY_EVERY_FILES = 200


@dataclass(frozen=True)
class Erasure:
    """One person, and where they occur."""

    settings: Settings
    subject: Subject
    occurrences: Occurrences

    def row_ids(self) -> tuple[str, ...]:
        """Under which ids rows of the person may stand in quarantine."""
        rows = {text for found in self.occurrences.rows.texts.values() for text in found}
        rows |= {text for _, done in self.raw_rewrites() for text in done.deleted}
        keys = pseudonym_keys(self.settings)
        return tuple(sorted({keyed(keys, text) for text in rows}))

    def plan(self) -> list[Change]:
        """What `execute` would change, without doing it."""
        raw = {self._place(file): ("rows", done.rows or done.names) for file, done in self.raw_rewrites()}
        posted = {self._place(file): (_POSTED, 0) for file in posted_files(self.settings, self.occurrences.rows)}
        beside = {
            self._place(file): ("files that name them", sum(found.values()))
            for file, found in sorted(self.occurrences.files.items())
            if not file.is_relative_to(self.settings.raw)
        }
        changes = [*raw.items(), *posted.items(), *beside.items()]
        return [Change(place, what, rows, "", "") for place, (what, rows) in changes]

    def execute(self, request: Request, row_ids: tuple[str, ...]) -> None:
        """Take the person out of every file: the lake and what was made of it first, raw last.

        Raises:
            LakeError: a file cannot be read or written.
        """
        try:
            self._remove_leftovers(request)
            self._erase_beside_raw(request, row_ids)
            for file in posted_files(self.settings, self.occurrences.rows):
                request.delete(file, place=self._place(file), what=_POSTED)
            for file, done in self.raw_rewrites():
                self._write_raw(request, file, done)
        except PermissionError as error:
            raise LakeError(
                expected="to be allowed to change every file that names the person",
                received=f"a refusal for {error.filename}",
                remedy="run the command as the owner of the files; run again, it goes on where it stopped",
            ) from error

    def raw_rewrites(self) -> Iterator[tuple[Path, Rewritten]]:
        """Every raw file with rows of the person or with their names, and what it becomes."""
        raw, rows = self.settings.raw, self.occurrences.rows
        matcher = PersonMatcher(self.subject.raw_values)
        files = {raw / source / f"ds={ds}" / file for source, ds, file in rows.texts}
        files |= {file for file in self.occurrences.files if file.is_relative_to(raw)}
        for file in sorted(files):
            parts = file.relative_to(raw).parts
            if len(parts) == 3 and parts[0] in (*known_sources(), CONTACTS) and file.is_file():
                source, day, name = parts
                reading = READING if source == CONTACTS else load_spec(source).read
                delivery = (source, day.removeprefix("ds="), name)
                texts, keys = rows.texts.get(delivery, set()), rows.keys.get(delivery, set())
                done = rewritten(file.read_bytes(), reading, texts, keys, matcher)
                if done.rows or done.names:
                    yield file, done

    def _place(self, file: Path) -> str:
        return place_of(self.settings, file)

    def _remove_leftovers(self, request: Request) -> None:
        """What killed and failed jobs left: drafts of erasures, rows that were never published, states, traces."""
        home = self.settings.home
        for root in roots(self.settings):
            for draft in root.rglob(f"{DRAFT}*"):
                draft.unlink()
        for lake in (home.lake, home.audiences):
            shutil.rmtree(lake / ".runs" / ".staging", ignore_errors=True)
        for folder in home.by_erasure("removed"):
            for file in files_below(folder):
                request.delete(file, place=self._place(file), what=f"{folder.name} of runs that did not end")

    def _erase_beside_raw(self, request: Request, row_ids: tuple[str, ...]) -> None:
        subject, home = self.subject, self.settings.home
        exact = {*subject.identifiers, *subject.person_ids, *row_ids}
        matcher = PersonMatcher(subject.search_values(), exact, replacement=ERASED_WORD)
        registry = home.by_erasure("registry")
        for number, file in enumerate(sorted(self._files_beside_raw(row_ids))):
            if file.is_relative_to(self.settings.raw) or any(file.is_relative_to(one) for one in registry):
                continue
            if number % _SAY_EVERY_FILES == _SAY_EVERY_FILES - 1:
                say(f"forget: {number + 1:,} files looked at")
            if not file.exists():
                continue
            try:
                _erase_from(request, subject, matcher, file, self._place(file))
            except lake_files.UNREADABLE as error:
                raise LakeError(
                    expected=f"to read {file}, to see whether it names the person",
                    received=f"{type(error).__name__}: {error}".splitlines()[0],
                    remedy="repair or delete that file and give the same command again: it goes on where it stopped",
                ) from error

    def _files_beside_raw(self, row_ids: tuple[str, ...]) -> set[Path]:
        """The files that name the person, and those in which ids that a search does not look for may stand."""
        home, files = self.settings.home, set(self.occurrences.files)
        if row_ids:
            files |= set(files_below(home.lake / ".runs" / "quarantine"))
        if self.subject.ids_ever() - {*self.subject.person_ids}:
            # an id that is another person's today is no value to search for, but meant this person on some day
            files |= {file for file in erasable_files(self.settings, home.root) if file.suffix == ".parquet"}
        return files

    def _write_raw(self, request: Request, file: Path, done: Rewritten) -> None:
        place = self._place(file)
        if done.empty:
            request.delete(file, place=place, what="deliveries of which nothing was left")
            if not any(one.is_file() for one in file.parent.iterdir()):
                shutil.rmtree(file.parent)
            return
        draft = draft_of(file)
        draft.write_bytes(done.content)
        what = "rows" if done.rows else "rows of others in which their name is empty now"
        request.replace(file, draft, place=place, what=what, rows=done.rows or done.names)


def posted_files(settings: Settings, rows: RawRows) -> list[Path]:
    """The photos and sounds that came with the person's rows; only files below the day that delivered them."""
    found = []
    for source, ds, path in sorted(rows.posted):
        folder = (settings.raw / source / f"ds={ds}").resolve()
        file = (folder / path).resolve()
        if file.is_relative_to(folder) and file.is_file():
            found.append(file)
    return found


def _erase_from(request: Request, subject: Subject, matcher: PersonMatcher, file: Path, place: str) -> None:
    """Take the person out of one file; `lake_files` says what happens to each kind."""
    kind, draft = lake_files.kind_of(file), draft_of(file)
    if matcher.is_in(file.name) or kind == "other":
        request.delete(file, place=matcher.without_names(place), what="whole files")
        return
    if kind == "sqlite":
        before = sha256(file)
        cells = lake_files.replace_cells(file, matcher)  # in its place, as its server may have it open
        request.note(Change(place, f"cells in which {ERASED_WORD} stands now", cells, before, sha256(file)))
        return
    what, ids = "rows", subject.ids_on(lake_files.day_of(place))
    if kind == "parquet":
        gone = lake_files.without_rows(file, draft, matcher, ids)
    elif kind == "csv":
        gone = lake_files.without_records(file, draft, matcher, ids)
    elif kind == "duckdb":
        gone = lake_files.without_history(file, draft, matcher, subject.ids_of_day)
        what = "a warehouse: the history without them; the next night makes the rest"
    else:
        gone = lake_files.without_names(file, draft, matcher)
        what = f"lines in which {ERASED_WORD} stands now"
    if gone or kind == "duckdb":
        request.replace(file, draft, place=place, what=what, rows=gone)
    else:
        draft.unlink()
