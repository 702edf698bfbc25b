"""Mixed columns as codes and offsets, the form in which a generator learns numbers, categories, booleans and nulls.

Mode-specific normalisation of CTGAN (Xu et al., 2019, arXiv:1907.00503, section 4.2) with one change from CTAB-GAN
(Zhao et al., 2021, arXiv:2102.08369): a value that many rows share (no purchase, 40 hours a week) is an exact value,
a mode without width, and so is null. A column of categories has exact values only.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.mixture import BayesianGaussianMixture
from threadpoolctl import threadpool_limits

from contracts.errors import ModelError
from training.common_words import OTHER, grouped

NUMBER, WHOLE, BOOLEAN, CATEGORY = "number", "whole", "boolean", "category"

REACH = 4.0
"""An offset of 1 is this many widths of a mode away from its mean, as in CTGAN."""

_MODES = 10
_LEAST_WEIGHT = 0.005  # of a mode, as in CTGAN
_MIXTURE_ROWS = 4000  # enough for ten modes in one dimension; with all rows it took ten times as long
_EXACT_VALUES = 24  # a number column with no more distinct values has exact values only
_SPIKE_SHARE = 0.05
_SPIKE_ROWS = 10  # an exact value of fewer rows would single out their people

MOST_CATEGORIES = 500
"""Most categories of a column; of more, the rare ones are one: what people write decides not whether a model trains."""


@dataclass(frozen=True)
class MixedColumn:
    """One column. Codes 0 to len(values) - 1 are its exact values, the codes after them its modes."""

    name: str
    kind: str
    """number, whole, boolean or category."""
    values: tuple[float | bool | str | None, ...]
    """None is null."""
    means: tuple[float, ...] = ()
    """Of the modes."""
    widths: tuple[float, ...] = ()
    """Standard deviations of the modes."""
    weights: tuple[float, ...] = ()
    """Shares of the modes."""
    low: float = 0.0
    """Least number that is generated."""
    high: float = 0.0
    """Greatest number that is generated."""

    @property
    def codes(self) -> int:
        """Number of codes."""
        return len(self.values) + len(self.means)

    @property
    def is_discrete(self) -> bool:
        """Whether all codes are exact values of a category or boolean."""
        return self.kind in (BOOLEAN, CATEGORY)


def fit_columns(frame: pd.DataFrame, kinds: Mapping[str, str], seed: int) -> tuple[MixedColumn, ...]:
    """Learn the exact values and modes of columns from the rows of a training part.

    Args:
        kinds: column -> number, whole, boolean or category.

    Raises:
        ModelError: no rows, a missing column, or a value that is not a finite number.
    """
    missing = [name for name in kinds if name not in frame]
    if missing or frame.empty:
        raise ModelError(
            expected=f"rows with the columns {', '.join(kinds)}",
            received="no rows" if frame.empty else f"a table without {', '.join(missing)}",
            remedy="build the training table again",
        )
    return tuple(
        _fit_discrete(frame[name], kind) if kind in (BOOLEAN, CATEGORY) else _fit_number(frame[name], kind, seed)
        for name, kind in kinds.items()
    )


def encode(
    columns: Sequence[MixedColumn], frame: pd.DataFrame, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Codes (row, column) and offsets from -1 to 1 within their modes (row, column), 0 for exact values.

    The mode of a number is drawn at random, by the likelihood of the number under each mode. An unseen category becomes
    `other` if the column has it, else null if the column has nulls, else the most frequent category.
    """
    codes = np.zeros((len(frame), len(columns)), "int32")
    offsets = np.zeros((len(frame), len(columns)), "float32")
    for place, column in enumerate(columns):
        if column.is_discrete:
            codes[:, place] = _discrete_codes(column, frame[column.name])
        else:
            codes[:, place], offsets[:, place] = _number_codes(column, frame[column.name], random)
    return codes, offsets


def decode(columns: Sequence[MixedColumn], codes: np.ndarray, offsets: np.ndarray) -> pd.DataFrame:
    """Codes (row, column) and offsets (row, column) to rows with Int64, float64, boolean and object columns."""
    return pd.DataFrame(
        {column.name: _values(column, codes[:, at], offsets[:, at]) for at, column in enumerate(columns)}
    )


def described(columns: Sequence[MixedColumn]) -> list[dict[str, Any]]:
    """The columns as JSON values."""
    return [asdict(column) for column in columns]


def as_numbers(column: pd.Series) -> np.ndarray:
    """A column as float64, null as NaN (row,).

    Raises:
        ModelError: a value is infinite or not a number.
    """
    try:
        numbers = pd.to_numeric(column).to_numpy("float64", na_value=np.nan)
    except (ValueError, TypeError) as error:
        raise _not_finite(column.name, str(error)) from error
    if np.isinf(numbers).any():
        raise _not_finite(column.name, f"{int(np.isinf(numbers).sum())} infinite values")
    return numbers


def _not_finite(name: str, received: str) -> ModelError:
    return ModelError(
        expected=f"finite numbers or nulls in column {name}",
        received=received,
        remedy="correct the delivery that the training table was built from, then build it again",
    )


def _fit_discrete(column: pd.Series, kind: str) -> MixedColumn:
    if kind == CATEGORY:
        column = grouped(column, most=MOST_CATEGORIES - 1, fewest=1)
    counts = column.value_counts()
    names = sorted(counts.index, key=lambda value: (-counts[value], str(value)))
    values = [bool(name) if kind == BOOLEAN else str(name) for name in names]
    return MixedColumn(str(column.name), kind, (*values, *([None] if column.isna().any() else [])))


def _fit_number(column: pd.Series, kind: str, seed: int) -> MixedColumn:
    numbers = as_numbers(column)
    known = numbers[~np.isnan(numbers)]
    null = [None] if len(known) < len(numbers) else []
    distinct, counts = np.unique(known, return_counts=True)
    if len(distinct) <= _EXACT_VALUES:
        return MixedColumn(str(column.name), kind, (*distinct.tolist(), *null), **_range(known))
    spikes = _spikes(distinct, counts)
    rest = known[~np.isin(known, spikes)]
    modes = _modes(rest, seed) if len(rest) else {}
    return MixedColumn(str(column.name), kind, (*spikes.tolist(), *null), **modes, **_range(known))


def _range(known: np.ndarray) -> dict[str, float]:
    return {"low": float(known.min()), "high": float(known.max())} if len(known) else {}


def _spikes(distinct: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Values of at least 5 % of the rows, then of the remaining rows: rare amounts often hide behind a mass at 0."""
    is_spike = np.zeros(len(distinct), bool)
    for _ in range(2):
        least = max(_SPIKE_SHARE * counts[~is_spike].sum(), _SPIKE_ROWS)
        is_spike |= counts >= least
    return distinct[is_spike]


def _modes(numbers: np.ndarray, seed: int) -> dict[str, tuple[float, ...]]:
    """Means, widths and weights of a mixture. It is fitted to standardised numbers: its priors depend on the scale."""
    random = np.random.default_rng(seed)
    sample = random.choice(numbers, _MIXTURE_ROWS, replace=False) if len(numbers) > _MIXTURE_ROWS else numbers
    centre, scale = float(sample.mean()), float(sample.std()) or 1.0
    mixture = BayesianGaussianMixture(
        n_components=min(_MODES, len(np.unique(sample))),
        weight_concentration_prior_type="dirichlet_process",
        weight_concentration_prior=0.001,
        max_iter=100,
        tol=0.01,
        random_state=seed,
    )
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # a mixture that has not fully converged still covers the numbers
        mixture.fit(((sample - centre) / scale)[:, None])
    kept = np.flatnonzero(mixture.weights_ > _LEAST_WEIGHT)
    kept = kept[np.argsort(mixture.means_[kept, 0])]
    return {
        "means": tuple((mixture.means_[kept, 0] * scale + centre).tolist()),
        "widths": tuple(np.maximum(np.sqrt(mixture.covariances_[kept, 0, 0]) * scale, 1e-6 * scale).tolist()),
        "weights": tuple((mixture.weights_[kept] / mixture.weights_[kept].sum()).tolist()),
    }


def _discrete_codes(column: MixedColumn, values: pd.Series) -> np.ndarray:
    null = column.values.index(None) if None in column.values else 0
    known = {value: code for code, value in enumerate(column.values) if value is not None}
    if column.kind == CATEGORY:
        values = values.where(values.isna(), values.astype(str))
    return values.map(known).fillna(known.get(OTHER, null)).where(values.notna(), null).astype("int32").to_numpy()


def _number_codes(column: MixedColumn, values: pd.Series, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    numbers = as_numbers(values)
    codes, offsets = np.zeros(len(numbers), "int32"), np.zeros(len(numbers), "float32")
    is_null = np.isnan(numbers)
    exact = np.array([value for value in column.values if value is not None], "float64")  # ascending, null after them
    index = np.searchsorted(exact, numbers).clip(0, max(len(exact) - 1, 0))
    is_exact = ~is_null & (exact[index] == numbers) if len(exact) else np.zeros(len(numbers), bool)
    codes[is_exact] = index[is_exact]
    codes[is_null] = column.values.index(None) if None in column.values else 0
    rest = np.flatnonzero(~is_exact & ~is_null)
    if len(rest) and column.means:
        means, widths, weights = (np.array(one) for one in (column.means, column.widths, column.weights))
        standard = (numbers[rest, None] - means) / widths  # (row, mode)
        likely = np.log(weights) - np.log(widths) - standard**2 / 2
        mode = (likely + random.gumbel(size=likely.shape)).argmax(axis=1)
        codes[rest] = len(column.values) + mode
        offsets[rest] = (standard[np.arange(len(rest)), mode] / REACH).clip(-0.99, 0.99)
    elif len(rest) and len(exact):  # an unseen number in a column of exact values: the nearest one
        codes[rest] = np.abs(numbers[rest, None] - exact).argmin(axis=1)
    return codes, offsets


def _values(column: MixedColumn, codes: np.ndarray, offsets: np.ndarray) -> pd.Series:
    if column.is_discrete:
        values = np.array([*column.values, None], dtype=object)[codes]
        return pd.Series(values, dtype="boolean" if column.kind == BOOLEAN else object)
    exact = [np.nan if value is None else value for value in column.values]
    means = np.array([*exact, *column.means], "float64")
    widths = np.array([*(0.0 for _ in exact), *column.widths], "float64")
    numbers = (means[codes] + REACH * widths[codes] * offsets).clip(column.low, column.high)
    if column.kind == NUMBER:
        return pd.Series(numbers)
    return pd.Series(np.round(numbers)).astype("Int64")
