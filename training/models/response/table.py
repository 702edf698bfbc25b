"""A table of mixed columns with binary answers, and the part of each answer.

Each answer has parts of its own, because the label of one may be known weeks after that of another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from training.models.response.features import NumberColumns
from training.models.response.network import NOT_KNOWN
from training.parts import Part

NOWHERE, STRANGERS = 3, 4
"""Codes of answers that are in no `Part`. NOWHERE: the label is not known. STRANGERS: rows like those of the training
part, of people that training never sees; only they show what a model remembers of the others."""


@dataclass(frozen=True)
class LabelledTable:
    """Rows in order of time, with the label and the part of each answer."""

    rows: pd.DataFrame
    """Raw values of the columns that a model reads (rows,)."""
    labels: np.ndarray
    """0, 1 or `NOT_KNOWN`, float32 (rows, answers)."""
    parts: np.ndarray
    """A `Part`, `NOWHERE` or `STRANGERS` of each answer, int8 (rows, answers)."""
    numbers: Sequence[str]
    """Names of the number columns."""
    categories: Sequence[str]
    """Names of the category columns."""
    answers: Sequence[str]
    """Names of the answers; the first one decides."""
    people: np.ndarray | None = None
    """Person of each row; None if every row belongs to another person (rows,)."""
    public: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By column: categories that are public knowledge, independent of the rows."""
    intervals: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """By column: least and greatest number that are public knowledge, independent of the rows."""
    columns: NumberColumns = field(default_factory=NumberColumns)
    """How numbers are read before they are scaled."""
    everything: bool = False
    """Whether validation and test are learned from too, as for what is served; strangers never are."""

    def indices(self, answer: int, part: int) -> np.ndarray:
        """Indices of the rows in a part of an answer."""
        return np.flatnonzero(self.parts[:, answer] == part)

    def yes(self, answer: int, part: int) -> np.ndarray:
        """Boolean labels of the rows in a part of an answer."""
        return self.labels[self.indices(answer, part), answer] > 0

    def has_both(self, answer: int, part: int) -> bool:
        """Whether a part has both labels of an answer, without which there is no AUC."""
        labels = self.yes(answer, part)
        return bool(labels.any() and not labels.all())

    @property
    def learned(self) -> np.ndarray:
        """Whether a training learns from each answer (rows, answers)."""
        return np.isin(self.parts, list(Part)) if self.everything else self.parts == Part.TRAIN

    @cached_property
    def training(self) -> np.ndarray:
        """Indices of the rows of which at least one answer is learned from."""
        return np.flatnonzero(self.learned.any(axis=1))

    @property
    def training_labels(self) -> np.ndarray:
        """Labels of the rows in `training`, `NOT_KNOWN` where they are not learned from (training rows, answers)."""
        return np.where(self.learned, self.labels, NOT_KNOWN).astype("float32")[self.training]

    @cached_property
    def owners(self) -> np.ndarray:
        """Person of each row as a number from 0 (rows,)."""
        if self.people is None:
            return np.arange(len(self.rows))
        return np.unique(self.people.astype(str), return_inverse=True)[1]

    def content_hash(self) -> str:
        """SHA-256 over everything that training reads."""
        total = hashlib.sha256(pd.util.hash_pandas_object(self.rows, index=False).to_numpy().tobytes())
        for array in (self.labels, self.parts):
            total.update(np.ascontiguousarray(array).tobytes())
        total.update(b"everything" if self.everything else b"")
        return total.hexdigest()
