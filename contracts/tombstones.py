"""Who asked to be forgotten: a keyed hash of each identifier, so that no later delivery brings the person back.

The file `<home>/tombstones.jsonl` has one line a hash, `{"generation": g, "hash": h}`: h is HMAC-SHA256 under the key
number g (from 1), cut as pseudonyms are, of "tombstone " and the identifier as it was under the first g keys. So a
rotation of keys leaves the file alone, and nobody who has the file alone learns an identifier from it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import SettingsError
from contracts.home import Home
from contracts.pseudonyms import keyed

PREFIX = "tombstone "

ERASED = "erased"
"""The rule under which the mapping drops rows of who was forgotten."""


def tombstone(keys: Sequence[bytes], identifier: str) -> str:
    """The hash of an identifier (or of a person's id) as it is under all `keys`."""
    return keyed(keys[-1:], PREFIX + identifier)


@dataclass(frozen=True)
class Tombstones:
    """The file of a home; it may not exist."""

    file: Path

    @classmethod
    def of(cls, home: Home) -> Tombstones:
        return cls(home.tombstones)

    def by_generation(self, known_keys: int) -> dict[int, list[str]]:
        """Generation -> hashes, oldest first.

        Raises:
            SettingsError: hashes were made under a key that is not among the `known_keys` first ones.
        """
        found: dict[int, set[str]] = {}
        for line in self.file.read_text().splitlines() if self.file.exists() else []:
            stone = json.loads(line)
            found.setdefault(stone["generation"], set()).add(stone["hash"])
        if found and max(found) > known_keys:
            raise SettingsError(
                expected=f"at least {max(found)} pseudonym keys, under which the tombstones in {self.file} were made",
                received=f"{known_keys}",
                remedy="restore the key file from its backup: else who asked to be forgotten would come back",
            )
        return {generation: sorted(found[generation]) for generation in sorted(found)}

    def holds(self, keys: Sequence[bytes], identifier: str) -> bool:
        """Whether an identifier under all `keys` has a tombstone of this generation."""
        return tombstone(keys, identifier) in self.by_generation(len(keys)).get(len(keys), ())

    def add(self, keys: Sequence[bytes], identifiers: Iterable[str]) -> int:
        """Write a tombstone of each identifier that has none, and see it on the disk; returns how many are new."""
        known = self.by_generation(len(keys)).get(len(keys), ())
        new = sorted({tombstone(keys, identifier) for identifier in identifiers} - set(known))
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a") as stream:
            stream.writelines(json.dumps({"generation": len(keys), "hash": one}) + "\n" for one in new)
            stream.flush()
            os.fsync(stream.fileno())
        return len(new)
