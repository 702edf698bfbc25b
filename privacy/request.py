"""One request to be forgotten, on disk: what it is about while it lasts, and what it has changed so far.

`<home>/erasures/<id>/` is readable by its owner alone. `subject.json` names the person and is destroyed at the end;
`changes.jsonl` has a line for each file, written before the file changes, so that a run that is killed forgets none.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from contracts.private_files import destroy, write_private
from privacy.subject import Subject

DRAFT = ".erasing-"
"""Begins the name of a file that is about to take another's place."""


@dataclass(frozen=True)
class Change:
    """What happened to one file; hashes are SHA-256, empty where there is no such file."""

    place: str
    what: str
    rows: int
    before: str
    after: str


class Request:
    """A folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def new(cls, erasures: Path) -> Request:
        """A request with a random name, which says nothing of whom it is about."""
        name = f"{datetime.datetime.now(datetime.UTC):%Y%m%d}-{secrets.token_hex(6)}"
        erasures.mkdir(parents=True, exist_ok=True, mode=0o700)
        (erasures / name).mkdir(mode=0o700)
        return cls(erasures / name)

    @classmethod
    def unfinished(cls, erasures: Path, name: str) -> Request | None:
        """The request on who has this identifier or id that was begun and not ended."""
        for file in sorted(erasures.glob("*/subject.json")):
            known = json.loads(file.read_text())
            if known["mode"] == "enforce" and name in (*known["identifiers"], *known["person_ids"]):
                return cls(file.parent)
        return None

    @property
    def subject_file(self) -> Path:
        return self.folder / "subject.json"

    def begin(self, subject: Subject, row_ids: set[str], mode: str) -> None:
        """Write down whom the request is about, for the owner alone, before anything changes."""
        ever = sorted({*subject.person_ids, *(one for ids in subject.ids_of_day.values() for one in ids)})
        content = {
            "mode": mode,
            "identifiers": subject.identifiers,
            "person_ids": ever,
            "days": subject.days,
            "raw_values": sorted(subject.raw_values),
            "subject": asdict(subject),
            "row_ids": sorted(row_ids),
        }
        write_private(self.subject_file, json.dumps(content))

    def begun(self) -> tuple[Subject, set[str]]:
        """The subject and the ids of its rows, as `begin` wrote them."""
        content = json.loads(self.subject_file.read_text())
        return Subject(**content["subject"]), set(content["row_ids"])

    def end(self) -> None:
        """Destroy what names the person."""
        destroy(self.subject_file)

    def replace(self, file: Path, draft: Path, *, place: str, what: str, rows: int) -> None:
        """Let a draft take a file's place in one atomic step."""
        shutil.copymode(file, draft)
        self.note(Change(place, what, rows, sha256(file), sha256(draft)))
        os.replace(draft, file)

    def delete(self, file: Path, *, place: str, what: str) -> None:
        """Delete a whole file."""
        self.note(Change(place, what, 0, sha256(file), ""))
        file.unlink()

    def changes(self) -> list[Change]:
        """All changes so far, each file's last state once; what a killed run did counts too."""
        merged: dict[str, Change] = {}
        for change in self._noted():
            first = merged.get(change.place)
            if first is None:
                merged[change.place] = change
            elif change.before != first.before:  # else the killed run had noted it and not done it
                rows = first.rows + change.rows
                merged[change.place] = Change(change.place, change.what, rows, first.before, change.after)
            else:
                merged[change.place] = change
        return [merged[place] for place in sorted(merged)]

    def note(self, change: Change) -> None:
        """Write down what is about to happen to a file, or happened in its place."""
        with (self.folder / "changes.jsonl").open("a") as stream:
            stream.write(json.dumps(asdict(change)) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def _noted(self) -> Iterator[Change]:
        file = self.folder / "changes.jsonl"
        for line in file.read_text().splitlines() if file.exists() else []:
            given: dict[str, Any] = json.loads(line)
            yield Change(**given)


def draft_of(file: Path) -> Path:
    """Where the next content of a file is written; no reader of the lake looks at such a name."""
    return file.with_name(f"{DRAFT}{file.name}.draft")


def sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
