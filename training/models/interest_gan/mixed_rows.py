"""The rows that a generator learns from: their columns, their people and their parts."""

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
from training.common_words import grouped
from training.models.interest_gan.mixed_columns import BOOLEAN, CATEGORY, NUMBER, WHOLE
from training.parts import Part

FEWEST_ROWS = 200
"""Fewest rows to learn from; fewer would be memorised."""

MOST_WORDS = 100
"""Most words of a column of texts, such as regions, which respondents write: the rarer ones are `other`."""

FEWEST_OF_A_WORD = 10
"""Fewest rows of a word that stands for itself; it would single out its people."""

TARGET = "clicked"

_VALIDATION_FROM, _TEST_FROM = 0.7, 0.8
_WEEKS = 3
"""Fewest weeks of which the latest is left to the test, as in `response`."""
_KINDS = {"int": WHOLE, "bigint": WHOLE, "double": NUMBER, "boolean": BOOLEAN, "string": CATEGORY}


@dataclass(frozen=True)
class MixedRows:
    """A table of numbers, booleans and categories, and the part of each row."""

    frame: pd.DataFrame
    kinds: Mapping[str, str]
    """Column -> number, whole, boolean or category, in order."""
    features: Sequence[str]
    """The columns from which a classifier may predict the target: those that are known before the response."""
    target: str
    """Name of a boolean column."""
    parts: np.ndarray
    """A `Part` (rows,)."""
    groups: str | None = None
    """Column by whose values results are sliced."""
    people: np.ndarray | None = None
    """Person of each row, for counting; no model reads it (rows,)."""

    def part(self, part: Part) -> pd.DataFrame:
        """The rows of one part, in the table's order, with a new index."""
        return self.frame[self.parts == part].reset_index(drop=True)

    def content_hash(self) -> str:
        """SHA-256 over everything that training reads."""
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
    """Rows of `training_responses` with a known target.

    Raises:
        NothingToLearn: too few rows, or only one label in the training or the test part.
    """
    rows = table[table[TARGET].notna()]
    rows = rows.sort_values(list(TRAINING_RESPONSES.key), kind="stable", ignore_index=True)
    rows = rows[may_be_used(rows["sent_on"], parts_of(rows["person_id"]))].reset_index(drop=True)
    names = SYNTHETIC_RESPONSES.column_names
    frame = rows[names].copy()
    for column in SYNTHETIC_RESPONSES.columns:
        if column.type == "string":
            frame[column.name] = grouped(frame[column.name], most=MOST_WORDS, fewest=FEWEST_OF_A_WORD)
    data = MixedRows(
        frame=frame,
        kinds={column.name: _KINDS[column.type] for column in SYNTHETIC_RESPONSES.columns},
        features=names[: names.index(TARGET)],  # it and the columns after it are responses to the campaign
        target=TARGET,
        parts=parts_of(rows["person_id"]),
        groups="campaign",
        people=rows["person_id"].to_numpy(object),
    )
    require_enough(data)
    return data


def may_be_used(weeks: pd.Series, parts: np.ndarray) -> np.ndarray:
    """Whether each row may be used: of the latest of three or more weeks only those of the test may (rows,).

    `response` is tested on that week, and learns from synthetic rows: these must know nothing of it.

    Args:
        weeks: first day of each row's week (rows,).
        parts: (rows,).
    """
    if weeks.nunique() < _WEEKS:
        return np.ones(len(weeks), bool)
    return (weeks < weeks.max()).to_numpy() | (parts == Part.TEST)


def parts_of(person_ids: pd.Series) -> np.ndarray:
    """The `Part` of each row, by its person, so that a person is in one part only and always stays in it (rows,)."""
    share = pd.util.hash_array(person_ids.astype(str).to_numpy(object)) / 2.0**64
    return np.digitize(share, [_VALIDATION_FROM, _TEST_FROM])


def require_enough(data: MixedRows) -> None:
    """Refuse data with too few rows or only one label.

    Raises:
        NothingToLearn: too few rows, or only one label in the training or the test part.
    """
    answers = [data.part(part)[data.target].astype(bool) for part in (Part.TRAIN, Part.TEST)]
    if len(data.frame) < FEWEST_ROWS or any(answer.nunique() < 2 for answer in answers):
        raise NothingToLearn(
            expected=f"at least {FEWEST_ROWS} rows with consent to training and a known answer, both answers among "
            "the training and the test rows",
            received=f"{len(data.frame)} rows; {int(answers[0].sum())} of {len(answers[0])} training rows and "
            f"{int(answers[1].sum())} of {len(answers[1])} test rows {data.target}",
            remedy="wait until more people responded to a campaign",
        )
