"""A table of an experiment: mixed columns, the arm that the lot gave each row, binary outcomes, and the parts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from training.models.response.features import NumberColumns
from training.models.response.network import NOT_KNOWN
from training.parts import Part


@dataclass(frozen=True)
class ExperimentTable:
    """Rows of people whom a lot sent to or held out."""

    rows: pd.DataFrame
    """Raw values of the columns that a model reads, known before the lot was drawn (rows,)."""
    treated: np.ndarray
    """True for rows that were sent to, False for the controls (rows,)."""
    propensity: np.ndarray
    """The chance of being sent to, by the lot, between 0 and 1 (rows,)."""
    outcomes: np.ndarray
    """False or True (rows, outcomes)."""
    parts: np.ndarray
    """A `Part` of each row, int8 (rows,)."""
    numbers: Sequence[str]
    """Names of the number columns."""
    categories: Sequence[str]
    """Names of the category columns."""
    names: Sequence[str]
    """Names of the outcomes; the first one decides."""
    people: np.ndarray | None = None
    """Person of each row; None if every row belongs to another person (rows,)."""
    columns: NumberColumns = field(default_factory=NumberColumns)
    """How numbers are read before they are scaled."""
    everything: bool = False
    """Whether validation and test are learned from too, as for what is served."""

    def indices(self, part: int) -> np.ndarray:
        """Indices of the rows in a part."""
        return np.flatnonzero(self.parts == part)

    @property
    def learned(self) -> np.ndarray:
        """Indices of the rows that a training learns from."""
        return np.arange(len(self.parts)) if self.everything else self.indices(Part.TRAIN)

    @property
    def labels(self) -> np.ndarray:
        """Outcomes by arm, `NOT_KNOWN` in the arm that a row was not in, float32 (rows, arms * outcomes)."""
        seen = self.outcomes.astype("float32")
        arm = self.treated[:, None]
        return np.concatenate([np.where(arm, NOT_KNOWN, seen), np.where(arm, seen, NOT_KNOWN)], axis=1).astype(
            "float32"
        )

    @cached_property
    def owners(self) -> np.ndarray:
        """Person of each row as a number from 0 (rows,)."""
        if self.people is None:
            return np.arange(len(self.rows))
        return np.unique(self.people.astype(str), return_inverse=True)[1]

    def content_hash(self) -> str:
        """SHA-256 over everything that training reads."""
        total = hashlib.sha256(pd.util.hash_pandas_object(self.rows, index=False).to_numpy().tobytes())
        for array in (self.treated, self.propensity, self.outcomes, self.parts):
            total.update(np.ascontiguousarray(array).tobytes())
        total.update(b"everything" if self.everything else b"")
        return total.hexdigest()
