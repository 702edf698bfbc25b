"""Labelled files of a table: read safely, counted where they cannot be, and split in a way that never changes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from contracts.errors import ModelError, NothingToLearn
from training.parts import Part

_VALIDATION_FROM, _TEST_FROM = 0.7, 0.85

FEWEST_OF_A_CATEGORY = 3
"""Fewest files of a category that is learned: with luck one for each part."""


@dataclass(frozen=True)
class Kind:
    """A kind of media, and how its files are read."""

    unit: str
    """What files of it are called in reports, plural: pictures, sounds."""
    noun: str
    """What they are called in sentences, plural: photos, sounds."""
    id_column: str
    """Of the table that lists them."""
    read: Callable[[Path], tuple[np.ndarray | None, str | None]]
    """A file -> its values, of one shape and type for all files, None where it cannot be used; and one of `remarks`,
    None of a file of which there is nothing to say. It raises nothing."""
    remarks: tuple[str, ...]
    """What can be remarked about a file, each counted under `<remark>_<unit>`."""


@dataclass(frozen=True)
class Labelled:
    """Files with a category, sorted by id."""

    kind: Kind
    ids: np.ndarray
    """(files,)"""
    values: np.ndarray
    """What `kind.read` makes of each (files, ...)."""
    categories: np.ndarray
    """Sorted names (categories,)."""
    labels: np.ndarray
    """Index of each file's category in `categories` (files,)."""
    parts: np.ndarray
    """A `Part` (files,)."""
    remarks: Mapping[str, int]
    """Remark -> labelled files about which it was made, left out ones among them."""
    rare: int
    """Number of labelled files that are left out because their category has fewer than `FEWEST_OF_A_CATEGORY`."""

    def part(self, part: Part) -> tuple[np.ndarray, np.ndarray]:
        """Values and labels of one part."""
        chosen = self.parts == part
        return self.values[chosen], self.labels[chosen]

    def content_hash(self) -> str:
        """SHA-256 over everything that training reads: equal hashes are equal data."""
        total = hashlib.sha256()
        for texts in (self.ids, self.categories):
            total.update("\n".join(texts).encode() + b"\0")
        for numbers in (self.labels, self.values):
            total.update(np.ascontiguousarray(numbers).tobytes())
        return total.hexdigest()

    def describe(self) -> dict[str, int]:
        """Sizes, under the names of reports and of the run's parameters."""
        unit = self.kind.unit
        return {
            unit: len(self.labels),
            "categories": len(self.categories),
            f"training_{unit}": int((self.parts == Part.TRAIN).sum()),
            f"validation_{unit}": int((self.parts == Part.VALIDATION).sum()),
            f"test_{unit}": int((self.parts == Part.TEST).sum()),
            **{f"{remark}_{unit}": self.remarks.get(remark, 0) for remark in self.kind.remarks},
            f"rare_{unit}": self.rare,
        }


def labelled_files(table: pd.DataFrame, raw: Path, kind: Kind) -> Labelled:
    """Read the files of all rows that have a category.

    Args:
        table: columns `kind.id_column`, `path` (below `raw`), `category`; rows without a category are ignored.

    Raises:
        ModelError: a path leads out of `raw`.
        NothingToLearn: fewer than two categories have enough files, or a part would be empty.
    """
    labelled = table[table["category"].notna() & (table["category"] != "unknown")].sort_values(kind.id_column)
    files = [_inside(raw, path, kind) for path in labelled["path"]]
    with ThreadPoolExecutor() as threads:
        read = list(threads.map(kind.read, files))
    remarks = Counter(remark for _, remark in read if remark is not None)
    usable = np.array([values is not None for values, _ in read], dtype=bool)
    labelled = labelled[usable]
    common = labelled["category"].map(labelled["category"].value_counts()) >= FEWEST_OF_A_CATEGORY
    categories, labels = np.unique(labelled["category"][common].to_numpy(dtype=str), return_inverse=True)
    rare = int((~common).sum())
    parts = parts_of(labelled[kind.id_column][common])
    if len(categories) < 2 or len(np.unique(parts)) < 3:
        raise NothingToLearn(
            expected=f"{kind.noun} of at least 2 categories, {FEWEST_OF_A_CATEGORY} or more of each, in all three "
            "parts",
            received=f"{len(table)} {kind.noun}, {len(usable)} of them labelled, {int((~usable).sum())} of these "
            f"unreadable, {rare} of rare categories, {len(labels)} left in {len(categories)} categories",
            remedy=f"deliver a catalogue whose items have {kind.noun}; until then people get no interests from "
            f"{kind.noun}",
        )
    values = np.stack([values for values, _ in read if values is not None])[common.to_numpy()]
    return Labelled(
        kind=kind,
        ids=labelled[kind.id_column][common].to_numpy(dtype=str),
        values=values,
        categories=categories,
        labels=labels,
        parts=parts,
        remarks=remarks,
        rare=rare,
    )


def parts_of(ids: pd.Series) -> np.ndarray:
    """The `Part` of each file: 70 % training, 15 % validation, 15 % test (files,).

    It depends on the id alone, so that a file stays in its part from night to night: none that a champion was trained
    on is ever used to test it.
    """
    digests = [hashlib.sha256(f"part of {name}".encode()).digest()[:4] for name in ids]
    shares = np.array([int.from_bytes(digest, "big") for digest in digests]) / 2**32
    return np.digitize(shares, [_VALIDATION_FROM, _TEST_FROM])


def _inside(raw: Path, path: str, kind: Kind) -> Path:
    file = (raw / path).resolve()
    if not file.is_relative_to(raw.resolve()):
        raise ModelError(
            expected=f"{kind.noun} below {raw}",
            received=f"the path {path!r}, which leads out of it",
            remedy="find the delivery that names files outside its own folder, in quarantine and mapping",
        )
    return file
