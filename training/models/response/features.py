"""Mixed columns as inputs of a net: scaled numbers with an indicator of null, categories as codes.

A count of what happened since a person became known grows with the age of the lake: a net that learned from earlier
weeks would take all people of a later week for better customers. Such counts are read as rates (`Rate`).
Every scaling of numbers is piecewise linear between knots, so that the served model needs one function for all of them.
Each category of a column has a code of its own; the first code of a column is for categories that were not in the
training part, or in too few of its rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from contracts.errors import ModelError
from training.common_words import common_words

SCALINGS = ("standard", "quantile")
PUBLIC = np.concatenate([[0.0], 2.0 ** np.arange(-3, 21)])
"""Knots of the public scaling, which depends on no row: powers of two, the same for all columns."""

UNKNOWN = "unknown"
"""The category of a missing value; it has a code of its own if it was in the training part."""

MOST_WORDS = 1000
"""Most categories of a column that get a code of their own."""

_QUANTILES = 101
_WIDEST = 5.0
"""Scaled numbers are clipped to this size, so that no outlier of a later day dominates a prediction."""


RATE_DAYS = 28.0
"""A rate says how much there would have been in so many days."""


@dataclass(frozen=True)
class Rate:
    """How a count becomes a rate: divided by the days in which it could have grown."""

    days: str
    """The column with the days since the person became known, 0 on the first one; where it is null the count stays."""
    fewest: int
    """So many days count at least: an act on the first day is no habit."""
    most: int | None = None
    """Days after which the count grows no more, of a count within a window."""

    def of(self, counts: np.ndarray, days: np.ndarray) -> np.ndarray:
        """Counts in `RATE_DAYS` days (rows,)."""
        grown = np.clip(days + 1, self.fewest, np.inf if self.most is None else self.most)
        return counts * RATE_DAYS / np.where(np.isfinite(days), grown, RATE_DAYS)


@dataclass(frozen=True)
class NumberColumns:
    """How the numbers of a table are read before they are scaled."""

    rates: Mapping[str, Rate] = field(default_factory=dict)
    """By column: counts that are read as rates."""
    caps: Mapping[str, float] = field(default_factory=dict)
    """By column: the greatest value that is told apart."""

    def read(self, rows: pd.DataFrame, name: str) -> np.ndarray:
        """A column as float64, a count as its rate; NaN for what is no number (rows,)."""
        values = number_column(rows, name)
        if name in self.rates:
            values = self.rates[name].of(values, number_column(rows, self.rates[name].days))
        return np.minimum(values, self.caps.get(name, np.inf))


@dataclass(frozen=True)
class FeatureSpace:
    """The encoding of columns, learned from a training part."""

    knots: Mapping[str, Sequence[float]]
    """For each number column the rising values between which scaling is linear; beyond them it is constant."""
    heights: Mapping[str, Sequence[float]]
    """The scaled values of the knots."""
    vocabularies: Mapping[str, Sequence[str]]
    """For each category column the categories with a code of their own."""
    columns: NumberColumns = field(default_factory=NumberColumns)

    @property
    def names(self) -> list[str]:
        """The columns, in the order of their features: numbers, then categories."""
        return [*self.knots, *self.vocabularies]

    @property
    def codes(self) -> int:
        """Number of codes of all columns together."""
        return sum(len(words) + 1 for words in self.vocabularies.values())

    @property
    def unknown_codes(self) -> np.ndarray:
        """The code for unknown categories of each category column (category columns,)."""
        sizes = [len(words) + 1 for words in self.vocabularies.values()]
        return np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype("int32")

    def encode(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """The inputs of the net for some rows.

        A missing column counts as nulls, and so do values that are not finite numbers. Null becomes 0 with indicator 1.

        Returns:
            numbers: for each number column the scaled value, then the indicator of null (rows, 2 * numbers), float32.
            codes: (rows, category columns), int32; each code belongs to one column only.
        """
        numbers = np.zeros((len(rows), 2 * len(self.knots)), "float32")
        for column, (name, knots) in enumerate(self.knots.items()):
            values = self.columns.read(rows, name)
            known = np.isfinite(values)
            numbers[known, 2 * column] = np.interp(values[known], knots, self.heights[name])
            numbers[~known, 2 * column + 1] = 1
        codes = np.zeros((len(rows), len(self.vocabularies)), "int32")
        firsts = self.unknown_codes
        for column, (name, words) in enumerate(self.vocabularies.items()):
            codes[:, column] = firsts[column] + pd.Index(words).get_indexer(category_column(rows, name)) + 1
        return numbers, codes

    def slices(self, embedding_dimensions: int) -> dict[str, list[int]]:
        """Start and end of each column's features in the embedder's output, if every code is embedded in that size."""
        width = 2 * len(self.knots)
        numbers = {name: [2 * column, 2 * column + 2] for column, name in enumerate(self.knots)}
        starts = {name: width + column * embedding_dimensions for column, name in enumerate(self.vocabularies)}
        return numbers | {name: [start, start + embedding_dimensions] for name, start in starts.items()}

    def save(self, file: Path, **extra: object) -> None:
        """Write the encoding and `extra` as one JSON object."""
        space = {
            "knots": self.knots,
            "heights": self.heights,
            "vocabularies": self.vocabularies,
            "rates": {name: asdict(rate) for name, rate in self.columns.rates.items()},
            "caps": dict(self.columns.caps),
        }
        file.write_text(json.dumps({**space, **extra}, ensure_ascii=False))


def learn_features(
    rows: pd.DataFrame,
    *,
    numbers: Sequence[str],
    categories: Sequence[str],
    scaling: str = "quantile",
    fewest_rows: int = 1,
    columns: NumberColumns | None = None,
) -> FeatureSpace:
    """Learn scales and categories from the rows of a training part.

    Args:
        scaling: `standard` subtracts the mean and divides by the standard deviation; `quantile` maps ranks to the
            quantiles of a normal distribution.
        fewest_rows: a category in fewer rows gets no code of its own, and of more than `MOST_WORDS` only the most
            frequent ones do: what people write does not decide how large a net becomes.
        columns: how numbers are read; by default as they are.

    Raises:
        ModelError: a column is missing, or there is no such scaling.
    """
    missing = [name for name in (*numbers, *categories) if name not in rows]
    if missing:
        raise ModelError(
            expected=f"columns {', '.join((*numbers, *categories))}",
            received=f"a table without {', '.join(missing)}",
            remedy="build the table again",
        )
    if scaling not in SCALINGS:
        raise ModelError(
            expected=f"scaling as one of {', '.join(SCALINGS)}",
            received=repr(scaling),
            remedy="change scaling in the model's configuration",
        )
    scale = _standard if scaling == "standard" else _quantile
    columns = columns or NumberColumns()
    scales = {name: scale(columns.read(rows, name)) for name in numbers}
    vocabularies = {}
    for name in categories:
        counts = pd.Series(category_column(rows, name)).value_counts()
        vocabularies[name] = common_words(counts, most=MOST_WORDS, fewest=fewest_rows)
    return FeatureSpace(
        knots={name: knots.tolist() for name, (knots, _) in scales.items()},
        heights={name: heights.tolist() for name, (_, heights) in scales.items()},
        vocabularies=vocabularies,
        columns=columns,
    )


def public_scale(interval: Sequence[float] | None) -> tuple[list[float], list[float]]:
    """Knots and heights of a number column that depend on no row.

    Args:
        interval: publicly known least and greatest value of the column; None for any numbers, which are scaled by
            logarithm.
    """
    if interval is not None:
        return list(interval), [-2.0, 2.0]
    heights = np.log1p(PUBLIC) / np.log(4.0)  # 3 is 1, 15 is 2
    both = np.concatenate([-PUBLIC[:0:-1], PUBLIC]), np.concatenate([-heights[:0:-1], heights])
    return both[0].tolist(), both[1].clip(-_WIDEST, _WIDEST).tolist()


def number_column(rows: pd.DataFrame, name: str) -> np.ndarray:
    """A column as float64; NaN for null, for text that is not a number and for a missing column (rows,)."""
    if name not in rows:
        return np.full(len(rows), np.nan)
    return pd.to_numeric(rows[name], errors="coerce").to_numpy("float64", na_value=np.nan)


def category_column(rows: pd.DataFrame, name: str) -> np.ndarray:
    """A column as text; `unknown` for null and for a missing column (rows,)."""
    if name not in rows:
        return np.full(len(rows), UNKNOWN, dtype=object)
    column = rows[name].astype(object)
    return column.where(column.notna(), UNKNOWN).astype(str).to_numpy(object)


def _standard(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = values[np.isfinite(values)]
    mean, deviation = (known.mean(), known.std()) if len(known) else (0.0, 1.0)
    heights = np.array([-_WIDEST, _WIDEST])
    return mean + heights * (deviation or 1.0), heights


def _quantile(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Knots at quantiles; a value that many rows share has the height of their middle rank."""
    known = np.sort(values[np.isfinite(values)])
    if not len(known):
        return np.zeros(1), np.zeros(1)
    knots = np.unique(np.quantile(known, np.linspace(0, 1, _QUANTILES), method="nearest"))
    below, up_to = np.searchsorted(known, knots, "left"), np.searchsorted(known, knots, "right")
    return knots, norm.ppf((below + up_to) / 2 / len(known)).clip(-_WIDEST, _WIDEST)
