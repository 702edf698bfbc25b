"""Interests in what people posted: files in, interests a person out; what cannot be used is counted by its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from contracts.schema import Table
from contracts.tables.marts import TRAINING_PICTURES, TRAINING_SOUNDS
from serving.scoring.champions import Champion
from serving.scoring.interests import person_interests

_FILES_A_BATCH = 512
_BYTES_A_BATCH = 64_000_000


@dataclass(frozen=True)
class Medium:
    """A kind of files that people post."""

    name: str
    """Of its files, plural, in reports and in the log."""
    model: str
    """Which model knows what is in them."""
    table: Table
    """The mart that lists them."""
    column: str
    """Of the model's input."""
    interests: str
    """The column of `predictions`."""
    most_bytes: int | None
    """So many bytes at the beginning of a file are all that its model looks at; None where it needs the whole."""


PHOTOS = Medium("photos", "interest_vision", TRAINING_PICTURES, "picture", "picture_interests", None)
SOUNDS = Medium("sounds", "interest_audio", TRAINING_SOUNDS, "sound", "sound_interests", 24_000_000)
MEDIA = (PHOTOS, SOUNDS)


@dataclass(frozen=True)
class Looked:
    """What became of posted files."""

    files: int = 0
    remarks: Counter = field(default_factory=Counter)
    """Remark -> files: why one could not be used, or what else there is to say of it."""
    unused: int = 0
    """Files that could not be used, whether there is a remark or not."""

    def plus(self, other: Looked) -> Looked:
        return Looked(self.files + other.files, self.remarks + other.remarks, self.unused + other.unused)

    def counts(self) -> dict[str, int]:
        """For the report: `posted`, `unused`, and each remark."""
        return {"posted": self.files, "unused": self.unused, **dict(sorted(self.remarks.items()))}


def media_interests(
    raw: Path, posted: pd.DataFrame, people: np.ndarray, medium: Medium, champion: Champion | None
) -> tuple[pd.DataFrame, Looked]:
    """person_id and interests of everyone among `people` who posted files of a kind, and what became of these.

    Args:
        raw: folder of raw deliveries, below which the files lie.
        posted: person_id, path, by person and path.
    """
    empty = pd.DataFrame({"person_id": [], medium.interests: []}, dtype=object)
    posted = posted[posted["person_id"].isin(people)].reset_index(drop=True)
    if champion is None or posted.empty:
        return empty, Looked()
    answers = pd.concat(
        [champion.predict(pd.DataFrame({medium.column: files})) for files in _batches(raw, posted["path"], medium)],
        ignore_index=True,
    )
    usable = answers["category"].notna().to_numpy()
    remarks = answers["remark"].dropna().tolist() if "remark" in answers else ["unreadable"] * int((~usable).sum())
    looked = Looked(len(answers), Counter(remarks), int((~usable).sum()))
    if not usable.any():
        return empty, looked
    categories = list(answers.loc[usable, "categories"].iloc[0])
    probabilities = np.stack(answers.loc[usable, "probabilities"].to_list())  # (files, categories)
    of_person = posted["person_id"][usable].reset_index(drop=True)
    found = {
        person: [
            {"category": category, "weight": weight, "confidence": confidence}
            for category, weight, confidence in person_interests(probabilities[rows], categories)
        ]
        for person, rows in of_person.groupby(of_person).indices.items()
    }
    return pd.DataFrame({"person_id": list(found), medium.interests: list(found.values())}), looked


def _batches(raw: Path, paths: pd.Series, medium: Medium) -> Iterator[list[bytes]]:
    """The contents of the files in their order, so many at a time that they need little memory."""
    batch, size = [], 0
    for path in paths:
        batch.append(_content(raw, path, medium.most_bytes))
        size += len(batch[-1])
        if len(batch) == _FILES_A_BATCH or size >= _BYTES_A_BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _content(raw: Path, path: str, most_bytes: int | None) -> bytes:
    """A file's bytes; none where it was removed or lies elsewhere, which the model treats like a broken one."""
    file = (raw / path).resolve()
    if not file.is_relative_to(raw) or not file.is_file():
        return b""
    with file.open("rb") as stream:
        return stream.read(-1 if most_bytes is None else most_bytes)
