"""People as rows of numbers that a partner may weigh: what of the profile is a number, on one scale.

Counts, days and euros are taken as logarithms, each column is brought to mean 0 and spread 1 over the people of the
day, and nothing is further than five spreads from the mean. What is not known is the mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

LIMIT = 5.0
"""Furthest that a value may be from the mean, in spreads."""

LOGARITHMIC = ("recency_days", "frequency", "monetary", "basket", "posts")
LINEAR = ("weekend_share",)

COLUMNS = ("person_id", *LOGARITHMIC, *LINEAR, "taste_vector", "segments")
"""What is read of `dim_person_profile`."""


@dataclass(frozen=True)
class Vectors:
    """Standardised profiles of some people."""

    person_ids: np.ndarray
    """Sorted (people,)."""
    features: tuple[str, ...]
    values: np.ndarray
    """Each within +-LIMIT (people, features)."""
    segments: dict[str, np.ndarray]
    """Segment -> who is in it, as truth values (people,)."""


def profile_vectors(profiles: pd.DataFrame) -> Vectors:
    """Vectors of profiles.

    Args:
        profiles: the columns `COLUMNS`, a row a person.
    """
    profiles = profiles.sort_values("person_id", ignore_index=True)
    columns = {name: _logarithm(_numbers(profiles[name])) for name in LOGARITHMIC}
    columns |= {name: _numbers(profiles[name]) for name in LINEAR}
    columns |= {f"taste_{place}": one for place, one in enumerate(_tastes(profiles["taste_vector"]).T, start=1)}
    values = np.column_stack([_standardised(one) for one in columns.values()])
    lists = [set() if one is None else set(one) for one in profiles["segments"]]
    names = sorted(set().union(*lists)) if lists else []
    return Vectors(
        person_ids=profiles["person_id"].to_numpy(dtype=str),
        features=tuple(columns),
        values=values,
        segments={name: np.array([name in one for one in lists], dtype=bool) for name in names},
    )


def _numbers(column: pd.Series) -> np.ndarray:
    """As float64, NaN where nothing is known (people,)."""
    return column.to_numpy(dtype="float64", na_value=np.nan)


def _logarithm(values: np.ndarray) -> np.ndarray:
    """log(1 + value), and as far below 0 for as much less than 0: who returned more than they bought owes money."""
    return np.sign(values) * np.log1p(np.abs(values))


def _tastes(column: pd.Series) -> np.ndarray:
    """Taste vectors, NaN where there is none, or one of another length than the most (people, taste)."""
    lengths = column.map(lambda one: 0 if one is None else len(one)).to_numpy(dtype=int)
    known = lengths[lengths > 0]
    size = int(np.bincount(known).argmax()) if len(known) else 0
    missing = np.full(size, np.nan)
    rows = [one if size and length == size else missing for one, length in zip(column, lengths, strict=True)]
    return np.array(rows, dtype="float64").reshape(len(column), size)


def _standardised(column: np.ndarray) -> np.ndarray:
    """Mean 0 and spread 1 over the known values (people,); 0 where it is not known, and everywhere if all are equal."""
    known = column[np.isfinite(column)]
    spread = known.std() if len(known) else 0.0
    if not spread:
        return np.zeros(len(column))
    return np.nan_to_num((column - known.mean()) / spread, nan=0.0, posinf=LIMIT, neginf=-LIMIT).clip(-LIMIT, LIMIT)
