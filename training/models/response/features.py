"""Mixed columns as inputs of a net: numbers on one scale with a mark for null, categories as codes.

A number is scaled by straight lines between knots, so that every scaling is the same few lines where a model is
served. A category of each column has its own code; the first code of a column stands for whatever training has not
seen, or seen too seldom.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from contracts.errors import ModelError

SCALINGS = ("standard", "quantile")
PUBLIC = np.concatenate([[0.0], 2.0 ** np.arange(-3, 21)])
"""Knots of a scaling that was learned from nobody: straight lines between powers of two, the same for all columns."""

UNKNOWN = "unknown"
"""What a column without a value is read as; a category like others where training has seen it."""

_QUANTILES = 101
_WIDEST = 5.0
"""Scaled numbers end here, on both sides: an outlier of tomorrow must not run away with an answer."""


@dataclass(frozen=True)
class FeatureSpace:
    """How columns are encoded, as learned from a training part."""

    knots: Mapping[str, Sequence[float]]
    """For each number the values, rising, between which it is scaled by straight lines; beyond them it stays."""
    heights: Mapping[str, Sequence[float]]
    """What the knots are scaled to."""
    vocabularies: Mapping[str, Sequence[str]]
    """For each category column the categories that have a code."""

    @property
    def names(self) -> list[str]:
        """The columns, in the order of their features: numbers, then categories."""
        return [*self.knots, *self.vocabularies]

    @property
    def codes(self) -> int:
        """How many codes there are, over all columns."""
        return sum(len(words) + 1 for words in self.vocabularies.values())

    @property
    def unknown_codes(self) -> np.ndarray:
        """The code of each category column that stands for the unknown (category columns,)."""
        sizes = [len(words) + 1 for words in self.vocabularies.values()]
        return np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype("int32")

    def encode(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Rows as a net reads them.

        A missing column is a column of nulls. What is no finite number is null, and null is 0 with a mark.

        Returns:
            numbers: for each number its scaled value, then 1 for null (rows, 2 * numbers), float32.
            codes: (rows, category columns), int32; no code stands for two columns.
        """
        numbers = np.zeros((len(rows), 2 * len(self.knots)), "float32")
        for place, (name, knots) in enumerate(self.knots.items()):
            values = number_column(rows, name)
            known = np.isfinite(values)
            numbers[known, 2 * place] = np.interp(values[known], knots, self.heights[name])
            numbers[~known, 2 * place + 1] = 1
        codes = np.zeros((len(rows), len(self.vocabularies)), "int32")
        firsts = self.unknown_codes
        for place, (name, words) in enumerate(self.vocabularies.items()):
            codes[:, place] = firsts[place] + pd.Index(words).get_indexer(category_column(rows, name)) + 1
        return numbers, codes

    def slices(self, embedding_dimensions: int) -> dict[str, list[int]]:
        """Where the features of each column begin and end, once every code has become a vector of that size."""
        marked = 2 * len(self.knots)
        numbers = {name: [2 * place, 2 * place + 2] for place, name in enumerate(self.knots)}
        starts = {name: marked + place * embedding_dimensions for place, name in enumerate(self.vocabularies)}
        return numbers | {name: [start, start + embedding_dimensions] for name, start in starts.items()}

    def save(self, file: Path, **more: object) -> None:
        """Write JSON, with whatever else belongs to it."""
        space = {"knots": self.knots, "heights": self.heights, "vocabularies": self.vocabularies}
        file.write_text(json.dumps({**space, **more}, ensure_ascii=False))


def learn_features(
    rows: pd.DataFrame,
    *,
    numbers: Sequence[str],
    categories: Sequence[str],
    scaling: str = "quantile",
    fewest_rows: int = 1,
) -> FeatureSpace:
    """What a training part says about scales and categories.

    Args:
        scaling: `standard` subtracts the mean and divides by the standard deviation; `quantile` goes by rank, to the
            quantiles of a normal distribution.
        fewest_rows: a category in fewer rows has no code of its own.

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
            expected=f"scaling as one of {', '.join(SCALINGS)}", received=repr(scaling), remedy="mend the configuration"
        )
    scale = _standard if scaling == "standard" else _quantile
    scales = {name: scale(number_column(rows, name)) for name in numbers}
    vocabularies = {}
    for name in categories:
        counts = pd.Series(category_column(rows, name)).value_counts()
        vocabularies[name] = sorted(counts.index[counts >= fewest_rows])
    return FeatureSpace(
        knots={name: knots.tolist() for name, (knots, _) in scales.items()},
        heights={name: heights.tolist() for name, (_, heights) in scales.items()},
        vocabularies=vocabularies,
    )


def public_scale(interval: Sequence[float] | None) -> tuple[list[float], list[float]]:
    """Knots and heights of a number that tell nothing of any row.

    Args:
        interval: where the numbers of the column are known to lie; None for any numbers, which are scaled by logarithm.
    """
    if interval is not None:
        return list(interval), [-2.0, 2.0]
    heights = np.log1p(PUBLIC) / np.log(4.0)  # 3 is 1, 15 is 2
    both = np.concatenate([-PUBLIC[:0:-1], PUBLIC]), np.concatenate([-heights[:0:-1], heights])
    return both[0].tolist(), both[1].clip(-_WIDEST, _WIDEST).tolist()


def number_column(rows: pd.DataFrame, name: str) -> np.ndarray:
    """A column as float64; NaN for null, for text that is no number and for a column that is not there (rows,)."""
    if name not in rows:
        return np.full(len(rows), np.nan)
    return pd.to_numeric(rows[name], errors="coerce").to_numpy("float64", na_value=np.nan)


def category_column(rows: pd.DataFrame, name: str) -> np.ndarray:
    """A column as texts; `unknown` for null and for a column that is not there (rows,)."""
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
    """Knots at quantiles; where many rows share a value, its height is that of the middle of them."""
    known = np.sort(values[np.isfinite(values)])
    if not len(known):
        return np.zeros(1), np.zeros(1)
    knots = np.unique(np.quantile(known, np.linspace(0, 1, _QUANTILES), method="nearest"))
    below, upto = np.searchsorted(known, knots, "left"), np.searchsorted(known, knots, "right")
    return knots, norm.ppf((below + upto) / 2 / len(known)).clip(-_WIDEST, _WIDEST)
