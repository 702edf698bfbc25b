"""How similar synthetic rows are to real ones: by column, by pair of columns, in rare values, and in use.

Column shapes and pair trends are defined as in SDMetrics' quality report: 1 minus the Kolmogorov-Smirnov or total
variation distance of a column; for a pair of numbers 1 minus half the difference of rank correlations, for any other
pair 1 minus the total variation distance of the contingency tables. Null is a value of its own, below all others.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from training.models.interest_gan.mixed_columns import NUMBER, WHOLE, as_numbers

_EDGES = (
    0.01,
    0.05,
    0.1,
    0.2,
    0.3,
    0.4,
    0.5,
    0.6,
    0.7,
    0.8,
    0.9,
    0.95,
    0.99,
)  # quantiles at which a number column is binned
_RARE = 0.05
_RARE_ROWS = 5
_MOST_CODES = 250  # the classifier takes at most 255 categories a column; rarer ones count as missing


@dataclass(frozen=True)
class Quality:
    """Synthetic rows against real ones. Scores lie between 0 and 1; 1 is the same distribution."""

    real: pd.DataFrame
    synthetic: pd.DataFrame
    kinds: Mapping[str, str]
    """Column -> number, whole, boolean or category; other columns are ignored."""

    @cached_property
    def shapes(self) -> dict[str, float]:
        """Score of each column."""
        return {
            name: 1.0 - (_largest_gap if kind in (NUMBER, WHOLE) else _variation)(self.real[name], self.synthetic[name])
            for name, kind in self.kinds.items()
        }

    @cached_property
    def trends(self) -> pd.DataFrame:
        """Score of each pair of columns (column, column); 1 on the diagonal."""
        real, synthetic = self.tables
        scores = pd.DataFrame(np.eye(len(self.kinds)), index=list(self.kinds), columns=list(self.kinds))
        ranks = [self._correlations(frame) for frame in (self.real, self.synthetic)]
        for left, right in itertools.combinations(self.kinds, 2):
            if {self.kinds[left], self.kinds[right]} <= {NUMBER, WHOLE}:
                score = 1.0 - abs(ranks[0].at[left, right] - ranks[1].at[left, right]) / 2
            else:
                at = self.bins[left], self.bins[right]
                score = 1.0 - np.abs(real[at] - synthetic[at]).sum() / 2
            scores.at[left, right] = scores.at[right, left] = score
        return scores

    @cached_property
    def rare(self) -> pd.DataFrame:
        """Rare values and tails of numbers: `column`, `value`, shares `real` and `synthetic`, one row each.

        A value is rare if less than 5 % of the real rows have it, but at least five rows.
        """
        shares = [np.diag(table) for table in self.tables]
        least = _RARE_ROWS / max(len(self.real), 1)
        rows = [
            (name, value, shares[0][index], shares[1][index])
            for name, bins in self.bins.items()
            for index, value in zip(range(bins.start, bins.stop), self._labels[name], strict=True)
            if least <= shares[0][index] < _RARE
        ]
        return pd.DataFrame(rows, columns=["column", "value", "real", "synthetic"])

    @property
    def column_shape(self) -> float:
        """Mean score of the columns."""
        return float(np.mean(list(self.shapes.values())))

    @property
    def pair_trend(self) -> float:
        """Mean score of the pairs of columns."""
        scores = self.trends.to_numpy()
        return float(scores[np.triu_indices(len(scores), 1)].mean()) if len(scores) > 1 else 1.0

    @property
    def minority_modes(self) -> float:
        """Share of rare values at least half as frequent in synthetic as in real rows; 1 if none is rare."""
        rare = self.rare
        return float((rare["synthetic"] >= rare["real"] / 2).mean()) if len(rare) else 1.0

    def associations(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Cramer's V of every pair, of the real and of the synthetic rows (column, column)."""
        answers = []
        for table in self.tables:
            values = np.eye(len(self.kinds))
            for (row, left), (column, right) in itertools.combinations(enumerate(self.bins.values()), 2):
                values[row, column] = values[column, row] = _cramers_v(table[left, right])
            answers.append(pd.DataFrame(values, index=list(self.kinds), columns=list(self.kinds)))
        return answers[0], answers[1]

    @cached_property
    def tables(self) -> tuple[np.ndarray, np.ndarray]:
        """Share of rows of every pair of bins, real and synthetic (bin, bin): all contingency tables at once."""
        answers = []
        for frame in (self.real, self.synthetic):
            filled = np.zeros((len(frame), sum(len(labels) for labels in self._labels.values())), "float32")
            for name, places in self.bins.items():
                filled[np.arange(len(frame)), places.start + self._binned(frame[name], name)] = 1.0
            answers.append(filled.T @ filled / max(len(frame), 1))
        return answers[0], answers[1]

    @cached_property
    def bins(self) -> dict[str, slice]:
        """Slice of each column's bins in `tables`."""
        ends = np.cumsum([len(labels) for labels in self._labels.values()])
        return {
            name: slice(int(end) - len(labels), int(end))
            for end, (name, labels) in zip(ends, self._labels.items(), strict=True)
        }

    @cached_property
    def _edges(self) -> dict[str, np.ndarray]:
        numbers = {name: as_numbers(self.real[name]) for name, kind in self.kinds.items() if kind in (NUMBER, WHOLE)}
        return {
            name: np.unique(np.nanquantile(values, _EDGES)) if np.isfinite(values).any() else np.zeros(0)
            for name, values in numbers.items()
        }

    @cached_property
    def _labels(self) -> dict[str, list[str]]:
        """Names of each column's bins; the last one is null, or a category that no real row has."""
        labels = {}
        for name in self.kinds:
            if name in self._edges:
                edges = [f"{edge:g}" for edge in self._edges[name]]
                labels[name] = ["least", *(f"above {edge}" for edge in edges), "null"]
            else:
                labels[name] = [*sorted(self.real[name].dropna().astype(str).unique()), "null or unknown"]
        return labels

    def _binned(self, column: pd.Series, name: str) -> np.ndarray:
        last = len(self._labels[name]) - 1
        if name not in self._edges:
            places = pd.Index(self._labels[name]).get_indexer(column.astype(object).astype(str))
            return np.where((places < 0) | column.isna().to_numpy(), last, places)
        values = as_numbers(column)
        return np.where(np.isnan(values), last, np.searchsorted(self._edges[name], values, side="left"))

    def _correlations(self, frame: pd.DataFrame) -> pd.DataFrame:
        names = [name for name, kind in self.kinds.items() if kind in (NUMBER, WHOLE)]
        ranks = np.array([rankdata(_null_last(frame[name])) for name in names]).reshape(len(names), -1)
        with np.errstate(divide="ignore", invalid="ignore"):
            correlations = np.nan_to_num(np.corrcoef(ranks)) if len(names) > 1 else np.ones((len(names), len(names)))
        return pd.DataFrame(correlations, index=names, columns=names)


def classifier_chances(
    train: pd.DataFrame, test: pd.DataFrame, kinds: Mapping[str, str], target: str, seed: int
) -> np.ndarray:
    """Probability of `target` for each row of `test` (row,), by boosted trees that learned from `train`.

    The settings of the classifier are fixed. If `train` has one class only, or no usable column, all probabilities are
    the same.

    Args:
        kinds: the columns to learn from, column -> kind.
        seed: selects the columns that each split may use.
    """
    known = train[train[target].notna()]
    classes = known[target].astype(bool).to_numpy()
    if len(np.unique(classes)) < 2:
        return np.full(len(test), float(classes.mean()) if len(classes) else 0.5)
    kinds = {name: kind for name, kind in kinds.items() if known[name].notna().any()}
    if not kinds:
        return np.full(len(test), float(classes.mean()))
    is_category = [kind not in (NUMBER, WHOLE) for kind in kinds.values()]
    trees = HistGradientBoostingClassifier(
        max_iter=60, max_features=0.5, early_stopping=False, categorical_features=is_category, random_state=seed
    )
    codes = {
        name: known[name].dropna().astype(str).value_counts().index[:_MOST_CODES].sort_values()
        for (name, discrete) in zip(kinds, is_category, strict=True)
        if discrete
    }
    with threadpool_limits(1):  # on a busy machine, threads that wait for each other took ten times as long
        trees.fit(_features(known, kinds, codes), classes)
        return trees.predict_proba(_features(test, kinds, codes))[:, 1]


def _features(frame: pd.DataFrame, kinds: Mapping[str, str], codes: Mapping[str, pd.Index]) -> np.ndarray:
    columns = []
    for name in kinds:
        if name in codes:
            places = codes[name].get_indexer(frame[name].astype(object).astype(str)).astype("float64")
            columns.append(np.where((places < 0) | frame[name].isna().to_numpy(), np.nan, places))
        else:
            columns.append(as_numbers(frame[name]))
    return np.column_stack(columns)


def _null_last(column: pd.Series) -> np.ndarray:
    return np.nan_to_num(as_numbers(column), nan=-np.inf, posinf=np.inf, neginf=-np.inf)


def _largest_gap(real: pd.Series, synthetic: pd.Series) -> float:
    """Kolmogorov-Smirnov distance; 1 if one side has no rows."""
    one, two = np.sort(_null_last(real)), np.sort(_null_last(synthetic))
    if not len(one) or not len(two):
        return 1.0
    both = np.concatenate([one, two])
    gaps = np.searchsorted(one, both, side="right") / len(one) - np.searchsorted(two, both, side="right") / len(two)
    return float(np.abs(gaps).max())


def _variation(real: pd.Series, synthetic: pd.Series) -> float:
    """Total variation distance; null is a value of its own."""
    shares = [column.astype(object).value_counts(normalize=True, dropna=False) for column in (real, synthetic)]
    names = [share.rename(index=lambda value: "\0" if pd.isna(value) else str(value)) for share in shares]
    return float(names[0].sub(names[1], fill_value=0.0).abs().sum() / 2)


def _cramers_v(table: np.ndarray) -> float:
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        return 0.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    chi_squared = ((table - expected) ** 2 / expected).sum() / table.sum()
    return float(np.sqrt(chi_squared / (min(table.shape) - 1)))
