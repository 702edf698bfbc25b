"""The rows that a generator learns from: which columns they have, whose they are, and the part that each is in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from contracts.errors import NothingToLearn
from contracts.tables.marts import TRAINING_RESPONSES
from contracts.tables.served import SYNTHETIC_RESPONSES
from training.models.interest_gan.mixed_columns import BOOLEAN, CATEGORY, NUMBER, WHOLE
from training.parts import Part

FEWEST_ROWS = 200
"""Fewer rows would be learned by heart."""

TARGET = "clicked"

_VALIDATION_FROM, _TEST_FROM = 0.7, 0.8
_KINDS = {"int": WHOLE, "bigint": WHOLE, "double": NUMBER, "boolean": BOOLEAN, "string": CATEGORY}


@dataclass(frozen=True)
class MixedRows:
    """A table of numbers, truth values and categories, and the part that each row is in."""

    frame: pd.DataFrame
    kinds: Mapping[str, str]
    """Column -> number, whole, boolean or category, in order."""
    features: Sequence[str]
    """The columns that a classifier may learn the target from: what is known before the answer."""
    target: str
    parts: np.ndarray
    """A `Part` (rows,)."""
    groups: str | None = None
    """Column whose values are judged each on its own."""
    people: np.ndarray | None = None
    """Person of each row, to count people by; no model sees it (rows,)."""

    def part(self, part: Part) -> pd.DataFrame:
        """The rows of one part, in the table's order, numbered anew."""
        return self.frame[self.parts == part].reset_index(drop=True)

    def content_hash(self) -> str:
        total = hashlib.sha256(json.dumps([dict(self.kinds), list(self.features), self.target]).encode())
        for name in self.kinds:
            total.update(pd.util.hash_array(self.frame[name].astype(object).astype(str).to_numpy(object)).tobytes())
        total.update(np.ascontiguousarray(self.parts).tobytes())
        return total.hexdigest()

    def describe(self) -> Mapping[str, int]:
        sizes = np.bincount(self.parts, minlength=3)
        return {
            "rows": len(self.frame),
            "training_rows": int(sizes[Part.TRAIN]),
            "validation_rows": int(sizes[Part.VALIDATION]),
            "test_rows": int(sizes[Part.TEST]),
            "columns": len(self.kinds),
        }


def from_responses(table: pd.DataFrame) -> MixedRows:
    """Rows of `training_responses` whose answer is known.

    Raises:
        NothingToLearn: too few of them, or one answer alone in the training or the test part.
    """
    rows = table[table[TARGET].notna()]
    rows = rows.sort_values(list(TRAINING_RESPONSES.key), kind="stable", ignore_index=True)
    names = SYNTHETIC_RESPONSES.column_names
    data = MixedRows(
        frame=rows[names],
        kinds={column.name: _KINDS[column.type] for column in SYNTHETIC_RESPONSES.columns},
        features=names[: names.index(TARGET)],  # it and the columns after it are what came of the campaign
        target=TARGET,
        parts=parts_of(rows["person_id"]),
        groups="campaign",
        people=rows["person_id"].to_numpy(object),
    )
    require_enough(data)
    return data


def parts_of(person_ids: pd.Series) -> np.ndarray:
    """The part of each row, by its person, so that nobody is in two and nobody ever changes (row,)."""
    place = pd.util.hash_array(person_ids.astype(str).to_numpy(object)) / 2.0**64
    return np.digitize(place, [_VALIDATION_FROM, _TEST_FROM])


def require_enough(data: MixedRows) -> None:
    """Raises NothingToLearn where there are too few rows or answers."""
    answers = [data.part(part)[data.target].astype(bool) for part in (Part.TRAIN, Part.TEST)]
    if len(data.frame) < FEWEST_ROWS or any(answer.nunique() < 2 for answer in answers):
        raise NothingToLearn(
            expected=f"at least {FEWEST_ROWS} rows with consent to training and a known answer, both answers among "
            "the training and the test rows",
            received=f"{len(data.frame)} rows; {int(answers[0].sum())} of {len(answers[0])} training rows and "
            f"{int(answers[1].sum())} of {len(answers[1])} test rows {data.target}",
            remedy="wait until more people answered a campaign",
        )
