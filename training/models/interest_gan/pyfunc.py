"""The served form of `interest_gan`: MLflow runs this file from the registered model, without the rest of Nightshift.

Input: a DataFrame of requests with a column `rows`, the number of synthetic rows to make, and optionally `column` and
`value`, a condition: these rows should have that value in that column, which holds categories or booleans. A number of
rows that is missing or below one makes none. A request makes ten million rows at most.
Output: the synthetic rows in the order of the requests, and `condition_met`: whether the row has the value of its
condition, true for requests without one. The condition steers the generator but does not force it, so that a few rows
miss it. Rows keep what holds between the columns of all real rows: values that would break it are replaced. A column or
value that the generator does not know has no effect, and `condition_met` is false. Equal requests with an equal
parameter `seed` get equal rows.
"""

from __future__ import annotations

import json
from pathlib import Path

import keras
import mlflow
import numpy as np
import pandas as pd

_ROWS_A_BATCH = 4096
_ROWS_AT_ONCE = 65_536
_MOST_ROWS = 10_000_000
_REACH = 4.0  # an offset of 1 is this many widths of a mode away from its mean


class Column:
    """Codes 0 to len(values) - 1 are exact values, the codes after them modes with a mean and a width."""

    def __init__(self, description: dict) -> None:
        self.name, self.kind = description["name"], description["kind"]
        self.values, self.means, self.widths = (description[key] for key in ("values", "means", "widths"))
        self.low, self.high = description["low"], description["high"]

    @property
    def codes(self) -> int:
        return len(self.values) + len(self.means)

    @property
    def is_discrete(self) -> bool:
        return self.kind in ("boolean", "category")

    def decoded(self, codes: np.ndarray, offsets: np.ndarray) -> pd.Series:
        """Values of codes (row,) and offsets within their modes (row,)."""
        if self.is_discrete:
            values = np.array([*self.values, None], dtype=object)[codes]
            return pd.Series(values, dtype="boolean" if self.kind == "boolean" else object)
        exact = [np.nan if value is None else value for value in self.values]
        means = np.array([*exact, *self.means], "float64")[codes]
        widths = np.array([*(0.0 for _ in exact), *self.widths], "float64")[codes]
        numbers = (means + _REACH * widths * offsets).clip(self.low, self.high)
        return pd.Series(numbers) if self.kind == "number" else pd.Series(np.round(numbers)).astype("Int64")


class InterestGan(mlflow.pyfunc.PythonModel):
    """The generator and its columns; requests in, synthetic rows out."""

    def load_context(self, context) -> None:
        self.generator = keras.saving.load_model(context.artifacts["generator"], safe_mode=True)
        table = json.loads(Path(context.artifacts["table"]).read_text())
        self.columns = tuple(Column(column) for column in table["columns"])
        self.chances = table["chances"]
        self.noise = int(table["noise"])
        self.constraints = table["constraints"]
        shares = [np.asarray(one, "float64") / np.sum(one) for one in self.chances]
        self.frequency = np.concatenate(shares) / len(shares)  # (value,)
        discrete = [column for column in self.columns if column.is_discrete]
        pairs = [(column.name, _word(value)) for column in discrete for value in column.values]
        self.places = {pair: place for place, pair in enumerate(pairs)}

    def predict(self, context, model_input: pd.DataFrame, params: dict | None = None) -> pd.DataFrame:  # noqa: ARG002
        counts = pd.to_numeric(model_input["rows"], errors="coerce").fillna(0).clip(lower=0)
        counts = counts.where(np.isfinite(counts), 0).clip(upper=_MOST_ROWS + 1).astype(int).to_numpy()
        columns, values = _column(model_input, "column"), _column(model_input, "value")
        conditions = [self._condition(*pair) for pair in zip(columns, values, strict=True)]
        requests = np.repeat(np.arange(len(counts)), counts)
        seed = int((params or {}).get("seed", 1))
        if seed < 0 or counts.sum() > _MOST_ROWS:
            raise mlflow.exceptions.MlflowException.invalid_parameter_value(
                f"expected a seed of at least 0 and at most {_MOST_ROWS:,} rows, but received seed {seed} and "
                f"{counts.sum():,} rows or more; correct the request, or ask several times with other seeds"
            )
        random = np.random.default_rng(seed)
        starts = range(0, max(len(requests), 1), _ROWS_AT_ONCE)
        parts = [self._rows(requests[start : start + _ROWS_AT_ONCE], conditions, random) for start in starts]
        return pd.concat(parts, ignore_index=True)

    def score(self, noise: np.ndarray, condition: np.ndarray) -> np.ndarray:
        """Noise (row, noise) and one-hot conditions (row, value) to raw rows (row, size)."""
        return self.generator.predict([noise, condition], batch_size=_ROWS_A_BATCH, verbose=0)

    def _condition(self, column: object, value: object) -> tuple[int | None, str, str] | None:
        """Index, column and value of a condition; the index of an unknown one is None. None without a condition."""
        if _is_nothing(column) and _is_nothing(value):
            return None
        return self.places.get((str(column), _word(value))), str(column), _word(value)

    def _rows(self, requests: np.ndarray, conditions: list, random: np.random.Generator) -> pd.DataFrame:
        """One row for each entry of `requests`, which is the index of its request."""
        values = random.choice(len(self.frequency), len(requests), p=self.frequency / self.frequency.sum())
        fixed = np.array([-1 if one is None or one[0] is None else one[0] for one in conditions], int)[requests]
        values = np.where(fixed >= 0, fixed, values)
        condition = np.zeros((len(requests), len(self.frequency)), "float32")
        condition[np.arange(len(requests)), values] = 1.0
        rows = self._decoded(random.standard_normal((len(requests), self.noise), dtype="float32"), condition, random)
        met = np.ones(len(rows), bool)
        for number, one in enumerate(conditions):
            of_request = requests == number
            if one is not None and of_request.any():
                index, column, value = one
                met[of_request] = False if index is None else rows.loc[of_request, column].map(_word) == value
        rows["condition_met"] = pd.Series(met, dtype="boolean")
        return rows

    def _decoded(self, noise: np.ndarray, condition: np.ndarray, random: np.random.Generator) -> pd.DataFrame:
        sizes = [column.codes for column in self.columns]
        wide = [place for place, column in enumerate(self.columns) if column.means]
        raw = self.score(noise, condition) if len(noise) else np.zeros((0, len(wide) + sum(sizes)))
        logits = raw[:, len(wide) :] + random.gumbel(size=(len(raw), sum(sizes)))
        offsets = np.zeros((len(raw), len(sizes)))
        offsets[:, wide] = np.tanh(raw[:, : len(wide)])
        blocks = np.split(logits, np.cumsum(sizes)[:-1], axis=1)
        rows = pd.DataFrame(
            {
                column.name: column.decoded(block.argmax(axis=1), offsets[:, place])
                for place, (column, block) in enumerate(zip(self.columns, blocks, strict=True))
            }
        )
        for one in self.constraints:
            wrong, values = _wrong(rows, one)
            if wrong.any():
                column = rows[one["column"]]
                rows[one["column"]] = column.mask(wrong, pd.Series(values, rows.index).astype(column.dtype))
        return rows


def _wrong(rows: pd.DataFrame, one: dict) -> tuple[np.ndarray, np.ndarray]:
    """Where a constraint is broken, and what would keep it (rows,); `constraints.py` says what the kinds mean."""
    own, other, value = _numbers(rows, one["column"]), _numbers(rows, one["other"]), one["value"]
    if one["kind"] == "at_most":
        return own > other, other
    if one["kind"] == "with":
        return ~np.isnan(own) == np.isnan(other), np.where(np.isnan(other), np.nan, value)
    if one["kind"] == "as_within":
        source = _numbers(rows, one["source"])
        return (other <= value) & (own != source), source
    nothing = {
        "nothing_unknown": np.isnan(other),
        "nothing_without": ~(other > 0),
        "not_with": other > 0,
        "nothing_beyond": other > value,
    }
    if one["kind"] in nothing:
        return nothing[one["kind"]] & (own > 0), np.zeros(len(rows))
    return (other > 0) & ~(own > 0), np.full(len(rows), value)


def _numbers(rows: pd.DataFrame, name: str) -> np.ndarray:
    return rows[name].astype("Float64").to_numpy("float64", na_value=np.nan)


def _column(frame: pd.DataFrame, name: str) -> list:
    return list(frame[name]) if name in frame else [None] * len(frame)


def _is_nothing(value: object) -> bool:
    return value is None or value is pd.NA or value == "" or (isinstance(value, float) and np.isnan(value))


def _word(value: object) -> str:
    """A value as a caller writes it; booleans in any case."""
    if _is_nothing(value):
        return ""
    text = str(value)
    return text.lower() if text.lower() in ("true", "false") else text


mlflow.models.set_model(InterestGan())
