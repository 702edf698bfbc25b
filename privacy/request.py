"""One request to be forgotten, on disk: who it is about while it lasts, and what it has changed so far.

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

from contracts.erasure import DELIVERIES_FILE, ENFORCE, MODELS_FILE, SUBJECT_FILE, OpenRequest
from contracts.private_files import destroy

DRAFT = ".erasing-"
"""Begins the name of a file that is about to take another's place."""

_CHANGES_FILE = "changes.jsonl"


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
        """A request with a random name, which says nothing of the person."""
        name = f"{datetime.datetime.now(datetime.UTC):%Y%m%d}-{secrets.token_hex(6)}"
        erasures.mkdir(parents=True, exist_ok=True, mode=0o700)
        (erasures / name).mkdir(mode=0o700)
        return cls(erasures / name)

    @classmethod
    def unfinished(cls, erasures: Path) -> list[Request]:
        """The erasures that have begun and not ended, oldest first."""
        found = [cls(file.parent) for file in sorted(erasures.glob(f"*/{SUBJECT_FILE}"))]
        return [one for one in found if one.read().mode == ENFORCE]

    @property
    def id(self) -> str:
        return self.folder.name

    def begin(self, content: OpenRequest) -> None:
        """Write down who the request is about, for the owner alone, before anything changes."""
        content.write(self.folder)

    def read(self) -> OpenRequest:
        """What `begin` wrote.

        Raises:
            LakeError: the file cannot be read.
        """
        return OpenRequest.read(self.folder)

    def end(self) -> None:
        """Destroy what names the person."""
        destroy(self.folder / SUBJECT_FILE)

    def discard(self) -> None:
        """Leave nothing of a request that changed nothing."""
        self.end()
        for name in (MODELS_FILE, DELIVERIES_FILE, _CHANGES_FILE):
            (self.folder / name).unlink(missing_ok=True)
        self.folder.rmdir()

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
        """Write down what is about to happen to a file, or what happened to one that was changed in its place."""
        with (self.folder / _CHANGES_FILE).open("a") as stream:
            stream.write(json.dumps(asdict(change)) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def _noted(self) -> Iterator[Change]:
        file = self.folder / _CHANGES_FILE
        for line in file.read_text().splitlines() if file.exists() else []:
            fields: dict[str, Any] = json.loads(line)
            yield Change(**fields)

    def forget_changes(self) -> None:
        """Remove the journal of changes once the receipt has them."""
        (self.folder / _CHANGES_FILE).unlink(missing_ok=True)


def draft_of(file: Path) -> Path:
    """Where the next content of a file is written; no reader of the lake looks at such a name."""
    return file.with_name(f"{DRAFT}{file.name}.draft")


def sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def discard_interrupted(erasures: Path) -> None:
    """Destroy what killed dry runs left of people, and drafts of killed writers; the lake has to be held alone."""
    for draft in erasures.glob(f"*/.{SUBJECT_FILE}.*"):
        destroy(draft)
    for file in sorted(erasures.glob(f"*/{SUBJECT_FILE}")):
        request = Request(file.parent)
        if request.read().mode != ENFORCE:
            request.discard()
