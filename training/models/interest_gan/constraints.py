"""What holds between the columns of a real row, so that no synthetic row claims what cannot be.

The list below is the only one. A constraint is enforced where every real training row keeps it: synthetic rows are
repaired in its order, by the served model too, and the admission gate refuses rows that still break one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

AT_MOST = "at_most"
"""The column is at most `other`; else it becomes as large as that."""
WITH = "with"
"""The column is known where `other` is, and null where it is not; else it becomes `value`, or null."""
NOTHING_UNKNOWN = "nothing_unknown"
"""The column is 0 where `other` is null."""
NOTHING_WITHOUT = "nothing_without"
"""The column is 0 or false where `other` is 0 or false, or null."""
SOMETHING_WITH = "something_with"
"""The column is above 0 where `other` is; else it becomes `value`."""
NOT_WITH = "not_with"
"""The column is false where `other` is true."""
NOTHING_BEYOND = "nothing_beyond"
"""The column is 0 where `other` is above `value`."""
AS_WITHIN = "as_within"
"""The column equals `source` where `other` is at most `value`."""


@dataclass(frozen=True)
class Constraint:
    """One constraint between columns; `kind` is a word of this module."""

    kind: str
    column: str
    other: str
    value: float = 0.0
    source: str = ""

    @property
    def columns(self) -> set[str]:
        return {self.column, self.other} | ({self.source} if self.source else set())


_COUNTS = ("acts_7_days", "acts_28_days", "carts", "purchases", "monetary", "campaign_visits", "same_campaign_visits")

CONSTRAINTS = (
    # who never acted has no days and no counts
    Constraint(WITH, "recency_days", "tenure_days"),
    Constraint(WITH, "weekend_share", "tenure_days"),
    *(Constraint(NOTHING_UNKNOWN, name, "tenure_days") for name in _COUNTS),
    Constraint(AT_MOST, "recency_days", "tenure_days"),
    # acts lie within the days since the first and the last of them
    Constraint(NOTHING_BEYOND, "acts_28_days", "recency_days", 27.0),
    Constraint(NOTHING_BEYOND, "acts_7_days", "recency_days", 6.0),
    Constraint(AT_MOST, "acts_7_days", "acts_28_days"),
    Constraint(AS_WITHIN, "acts_28_days", "tenure_days", 6.0, source="acts_7_days"),
    # a part is no more than the whole, and money comes with purchases alone
    Constraint(AT_MOST, "same_campaign_visits", "campaign_visits"),
    Constraint(NOTHING_WITHOUT, "monetary", "purchases"),
    Constraint(SOMETHING_WITH, "monetary", "purchases"),
    # the response: who did not come did not buy, and who came did not leave
    Constraint(NOTHING_WITHOUT, "purchased", "clicked"),
    Constraint(NOTHING_WITHOUT, "order_value", "purchased"),
    Constraint(SOMETHING_WITH, "order_value", "purchased"),
    Constraint(NOT_WITH, "churned", "clicked"),
)


def learned_constraints(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Those of the list that all of these real rows keep, as JSON values, with the values that repair rows.

    Money that is missing is repaired with the median of the amounts that are there.
    """
    found = []
    for one in CONSTRAINTS:
        if not one.columns <= set(rows.columns):
            continue
        described = asdict(one)
        if one.kind == SOMETHING_WITH:
            amounts = _numbers(rows, one.column)
            described["value"] = float(np.median(amounts[amounts > 0])) if (amounts > 0).any() else 0.0
        if not broken(rows, [described]).any():
            found.append(described)
    return found


def repaired(rows: pd.DataFrame, constraints: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows with each value that breaks a constraint replaced, in the order of the constraints; dtypes stay.

    `training/models/interest_gan/pyfunc.py` does the same without this file.
    """
    rows = rows.copy()
    for one in constraints:
        wrong, values = _wrong(rows, one)
        if wrong.any():
            column = rows[one["column"]]
            rows[one["column"]] = column.mask(wrong, pd.Series(values, rows.index).astype(column.dtype))
    return rows


def broken(rows: pd.DataFrame, constraints: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """True for each row that breaks a constraint (rows,)."""
    found = np.zeros(len(rows), bool)
    for one in constraints:
        found |= _wrong(rows, one)[0]
    return found


def _wrong(rows: pd.DataFrame, one: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Where a constraint is broken, and what would keep it (rows,); NaN is null."""
    own, other, value = _numbers(rows, one["column"]), _numbers(rows, one["other"]), one["value"]
    known, filled = ~np.isnan(own), np.full(len(rows), value)
    if one["kind"] == AT_MOST:
        return own > other, other
    if one["kind"] == WITH:
        return known == np.isnan(other), np.where(np.isnan(other), np.nan, value)
    if one["kind"] == AS_WITHIN:
        source = _numbers(rows, one["source"])
        return (other <= value) & (own != source), source
    nothing = {
        NOTHING_UNKNOWN: np.isnan(other),
        NOTHING_WITHOUT: ~(other > 0),
        NOT_WITH: other > 0,
        NOTHING_BEYOND: other > value,
    }
    if one["kind"] in nothing:
        return nothing[one["kind"]] & (own > 0), np.zeros(len(rows))
    return (other > 0) & ~(own > 0), filled


def _numbers(rows: pd.DataFrame, name: str) -> np.ndarray:
    """A column of numbers or booleans as float64, null as NaN (rows,)."""
    return rows[name].astype("Float64").to_numpy("float64", na_value=np.nan)
