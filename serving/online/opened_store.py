"""A store that is open for reading: the bytes of `layout.py` as lists, histories and items."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import orjson

from contracts.errors import LakeError
from lake_tables.shown.catalogue import morning_after
from serving.online import layout
from serving.online.layout import CHALLENGER_MODEL, ITEMS, PEOPLE, SESSION_MODEL, SHOWN, TABLES_OF, Manifest
from serving.online.session_model import SessionModel
from serving.online.shown_items import ShownItems


@dataclass(frozen=True)
class Place:
    """One rank of a person's list of the night."""

    item: int
    score: float
    reason: int
    """Its code; 0 without."""
    version: str


@dataclass(frozen=True)
class Person:
    """A person who agreed to personalisation."""

    profiling: bool
    segment: int
    arms: dict[str, str]


class OpenedStore:
    """One night. Everything that is read from one of these belongs together."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest = folder, manifest
        self._people, self._items = (_open(folder / name) for name in (PEOPLE, ITEMS))
        self._tables = {
            table: environment.open_db(table.encode(), create=False)
            for environment, name in ((self._people, PEOPLE), (self._items, ITEMS))
            for table in TABLES_OF[name]
        }
        self._of_people, self._of_items = self._people.begin(buffers=False), self._items.begin(buffers=False)
        files = {manifest.session_version: SESSION_MODEL, manifest.challenger_version: CHALLENGER_MODEL}
        self.session_models = {version: SessionModel.load(folder / file) for version, file in files.items() if version}
        """Version -> its live step, of the champion and, where people are shown its lists, of the challenger."""
        self._has_times = any(model.reads_times for model in self.session_models.values())
        self.shown = ShownItems.load(folder / SHOWN)
        self.first_day = morning_after(manifest.ds)
        """On which the night's lists are seen."""
        self._popular: dict[int, list[int]] = {}

    @classmethod
    def open(cls, folder: Path) -> OpenedStore:
        """Open a store whose files are those of its manifest.

        Raises:
            LakeError: one is missing, cut short or changed, or the store is of another layout.
        """
        manifest = Manifest.read(folder)
        for name, expected in manifest.files.items():
            found = sha256_of(folder / name)
            if found != expected:
                raise LakeError(
                    expected=f"{name} of the store {folder.name} with SHA-256 {expected[:16]}...",
                    received=f"{found[:16]}..." if found else "no such file",
                    remedy=f"it is half copied or was changed: build it again with `python -m serving.store --ds "
                    f"{manifest.ds}`; until then the store before it answers",
                )
        try:
            return cls(folder, manifest)
        except (lmdb.Error, OSError, ValueError, KeyError) as error:
            raise LakeError(
                expected=f"the store {folder.name} to be readable",
                received=f"{type(error).__name__}",
                remedy=f"build it again with `python -m serving.store --ds {manifest.ds}`",
            ) from error

    def close(self) -> None:
        for one in (self._of_people, self._of_items):
            one.abort()
        for one in (self._people, self._items):
            one.close()

    def may_be_shown(self, code: int, day: datetime.date | None = None) -> bool:
        """Whether stock and rules let an item be shown on a day, at the earliest that after the night."""
        return bool(self.shown.on(max(day or self.first_day, self.first_day)).may[code - 1])

    def person_of(self, pseudonym: str) -> bytes | None:
        """The key of who has an identifier: `NOBODY` where the person did not agree, None where none is known."""
        return self._of_people.get(layout.identifier_key(pseudonym), db=self._tables["identifiers"])

    def person(self, key: bytes) -> Person | None:
        """What is known of a person; None where the person is not known, or did not agree."""
        found = self._of_people.get(key, db=self._tables["people"])
        if found is None:
            return None
        size = layout.PERSON.itemsize
        arms = {
            name: arms[code - 1]
            for (name, arms), code in zip(self.manifest.experiments.items(), found[size:], strict=True)
            if code
        }
        return Person(bool(found[0]), int.from_bytes(found[1:size], "little"), arms)

    def night_list(self, key: bytes) -> list[Place]:
        """The night's list of a person, best first; it may have more than ten places."""
        found = self._of_people.get(key, default=b"", db=self._tables["lists"])
        versions = self.manifest.versions
        return [
            Place(item, score, reason, versions[version])
            for item, reason, version, score in np.frombuffer(found, layout.PLACE).tolist()
        ]

    def history(self, key: bytes) -> tuple[np.ndarray, np.ndarray | None]:
        """Codes of the items that a person acted on, oldest first, and when, where a model reads it."""
        found = self._of_people.get(key, default=b"", db=self._tables["histories"])
        if not self._has_times:
            return np.frombuffer(found, "<u4"), None
        count = len(found) // 12
        return np.frombuffer(found[: 4 * count], "<u4"), np.frombuffer(found[4 * count :], "<f8")

    def taste(self, key: bytes) -> np.ndarray | None:
        found = self._of_people.get(key, db=self._tables["tastes"])
        return None if found is None else np.frombuffer(found, "<f4")

    def item(self, code: int) -> dict[str, Any]:
        """item_id, title, category and price of an item."""
        return orjson.loads(self._of_items.get(layout.code_key(code), db=self._tables["items"]))

    def code_of(self, item_id: str) -> int:
        """The code of an item; 0 where the night does not know it."""
        key = item_id.encode(errors="replace")
        if not 0 < len(key) <= self._items.max_key_size():
            return 0
        found = self._of_items.get(key, db=self._tables["codes"])
        return int.from_bytes(found or b"", "big")

    def reason(self, code: int) -> str | None:
        """The words of a reason."""
        found = self._of_items.get(layout.code_key(code), db=self._tables["reasons"]) if code else None
        return None if found is None else found.decode()

    def popular(self, segment: int = 0) -> list[int]:
        """Items by popularity with a segment; with 0, with everybody."""
        if segment not in self._popular:
            found = self._of_items.get(layout.segment_key(segment), default=b"", db=self._tables["popular"])
            self._popular[segment] = np.frombuffer(found, layout.POPULAR)["item"].tolist()
        return self._popular[segment]

    def neighbours(self, code: int) -> list[tuple[int, str, float]]:
        """Items that are like one: code, kind, score, by kind and rank."""
        found = self._of_items.get(layout.code_key(code), default=b"", db=self._tables["neighbours"])
        return [
            (item, self.manifest.kinds[kind], score)
            for item, kind, score in np.frombuffer(found, layout.NEIGHBOUR).tolist()
        ]

    def same_category(self, category: str | None) -> Iterator[int]:
        """Popular items of a category, most popular first."""
        return (code for code in self.popular() if category and self.item(code)["category"] == category)


def sha256_of(file: Path) -> str:
    """SHA-256 of a file; empty where there is none."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


def _open(file: Path) -> lmdb.Environment:
    return lmdb.open(
        str(file), subdir=False, readonly=True, lock=False, create=False, max_dbs=8, readahead=False, max_spare_txns=4
    )
