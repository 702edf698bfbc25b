"""The files of a store, which `serving/storing` writes and the API reads: the only place that knows their bytes.

| file | table | key | value |
|---|---|---|---|
| `people.lmdb` | `identifiers` | kind and digest of a pseudonym, 17 bytes | the person; zeros without consent |
| | `people` | the person | `PERSON`, then a byte an experiment: the arm, from 1; 0 outside of it |
| | `lists` | the person | `PLACE`, one a rank, best first |
| | `histories` | the person | item codes, oldest first, then, where the model reads times, seconds since 1970 |
| | `tastes` | the person | the taste vector, where the model reads it |
| `items.lmdb` | `items` | code of an item, 4 bytes | item_id, title, category, price as JSON |
| | `codes` | the item's id | its code |
| | `popular` | code of a segment, 2 bytes; 0 for everybody | `POPULAR`, best first |
| | `neighbours` | code of an item | `NEIGHBOUR`, by kind and rank |
| | `reasons` | code of a reason, 4 bytes | the words |
| `session_model.npz` | | | weights of the champion of `next_item`, `serving/online/session_model.py` |
| `challenger_model.npz` | | | those of the version in shadow, where people are shown its lists |
| `shown.npz` | | | what may be shown on which day, `serving/online/shown_items.py` |
| `manifest.json` | | | `Manifest`: the night, and SHA-256 of the other files |

Codes begin with 1. Items that the champion of `next_item` knows have the first ones, in its order: the place in the
scores of a model is the code less 1. Keys are big-endian, so that tables are written in their order; values are
little-endian.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from contracts.errors import LakeError
from contracts.home import Home
from contracts.tables.vocabulary import IDENTIFIER_KINDS

FORMAT = 2
"""Another number is another layout: such a store is refused."""

PEOPLE, ITEMS, SESSION_MODEL, MANIFEST = "people.lmdb", "items.lmdb", "session_model.npz", "manifest.json"
SHOWN, CHALLENGER_MODEL = "shown.npz", "challenger_model.npz"
TABLES_OF = {
    PEOPLE: ("identifiers", "people", "lists", "histories", "tastes"),
    ITEMS: ("items", "codes", "popular", "neighbours", "reasons"),
}

PERSON = np.dtype([("profiling", "u1"), ("segment", "<u2")])
PLACE = np.dtype([("item", "<u4"), ("reason", "<u4"), ("version", "u1"), ("score", "<f8")])
POPULAR = np.dtype([("item", "<u4"), ("people", "<u4")])
NEIGHBOUR = np.dtype([("item", "<u4"), ("kind", "u1"), ("score", "<f4")])
IDENTIFIER = np.dtype([("kind", "u1"), ("high", ">u8"), ("low", ">u8")])

NOBODY = bytes(8)
"""Stands for the person of an identifier whose person did not agree to personalisation."""

ROOM = 1 << 36
"""Addresses that a file may come to take; on disk it takes what is written."""


def stores_of(home: Home) -> Path:
    """The folder of the stores, `<ds>-<run>` each."""
    return home.online / "stores"


def current_of(home: Home) -> Path:
    """The link to the store that the API answers from."""
    return home.online / "current"


def identifier_key(pseudonym: str) -> bytes:
    """The key of `kind:<32 hex digits>` in `identifiers`.

    Raises:
        ValueError: it is no pseudonym.
    """
    kind, _, digest = pseudonym.partition(":")
    key = bytes([IDENTIFIER_KINDS.index(kind)]) + bytes.fromhex(digest)
    if len(key) != IDENTIFIER.itemsize:
        raise ValueError(pseudonym)
    return key


def person_key(person_id: str) -> bytes:
    """The key of `p<16 hex digits>` in the tables of people.

    Raises:
        ValueError: it is no person's id.
    """
    key = bytes.fromhex(person_id[1:])
    if person_id[:1] != "p" or len(key) != len(NOBODY):
        raise ValueError(person_id)
    return key


def person_id_of(key: bytes) -> str:
    return f"p{key.hex()}"


def code_key(code: int) -> bytes:
    """The key of an item or a reason."""
    return code.to_bytes(4, "big")


def segment_key(code: int) -> bytes:
    return code.to_bytes(2, "big")


@dataclass(frozen=True)
class Manifest:
    """What a store is, and by which its files are known."""

    ds: str
    run: str
    """When it was built, as the end of its folder's name."""
    keys: str
    """Fingerprint of the keys under which its identifiers are hashed."""
    files: Mapping[str, str]
    """Name -> SHA-256."""
    people: int
    """Those who agreed to personalisation."""
    items: int
    versions: tuple[str, ...]
    """Who ranked, as `next_item/3` or `popularity`; places name them by number."""
    segments: tuple[str, ...] = ()
    """Of which something is popular, from code 1 on."""
    experiments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Experiment -> its arms, from code 1 on."""
    kinds: tuple[str, ...] = ()
    """Kinds of neighbours."""
    words: Mapping[str, str] = field(default_factory=dict)
    """Reasons that are said online."""
    session_version: str = ""
    """The version whose weights `session_model.npz` has; empty without."""
    challenger_version: str = ""
    """The version whose weights `challenger_model.npz` has; empty without."""
    no_session: str = ""
    """Why weights are missing."""
    decisions: Mapping[str, str] = field(default_factory=dict)
    """Day -> what of the table `consents` the night knew of it."""
    mapped: tuple[str, ...] = ()
    """Days whose acts and withdrawals from the API were mapped when the store was built."""
    format: int = FORMAT

    @property
    def name(self) -> str:
        return f"{self.ds}-{self.run}"

    def text(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest of a store.

        Raises:
            LakeError: there is none, or it is of another layout.
        """
        file = folder / MANIFEST
        try:
            content: dict[str, Any] = json.loads(file.read_text())
            if content["format"] != FORMAT:
                raise ValueError(f"format {content['format']}")
            content["experiments"] = {name: tuple(arms) for name, arms in content["experiments"].items()}
            return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in content.items()})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise LakeError(
                expected=f"a store of format {FORMAT} in {folder}",
                received="no manifest" if isinstance(error, FileNotFoundError) else f"another one ({error})",
                remedy=f"build it again with `python -m serving.store --ds {folder.name[:10]}`",
            ) from error
