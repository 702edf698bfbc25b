"""The served form of `interest_gan`: MLflow runs this file from the registered model, without the rest of Nightshift.

In: a DataFrame with a column `rows`, how many synthetic rows to make, and optionally `column` and `value`: a value that
these rows shall have in one column of categories or truth values. Nothing, or less than one, asks for no rows.
Out: one synthetic row each, in the order of the requests, and `condition_met`: whether the row has the value that was
wanted, true where none was. The generator is asked for a value, it is not forced, so a few rows miss it; a column or a
value that it does not know is not asked for at all, and all rows of that request say false. Equal requests with an
equal parameter `seed` get equal rows.
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
_REACH = 4.0  # widths of a mode between its mean and an offset of 1


class Column:
    """Codes 0 to len(values) - 1 are exact values, those after them modes with a mean and a width."""

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
            made = np.array([*self.values, None], dtype=object)[codes]
            return pd.Series(made, dtype="boolean" if self.kind == "boolean" else object)
        exact = [np.nan if value is None else value for value in self.values]
        means = np.array([*exact, *self.means], "float64")[codes]
        widths = np.array([*(0.0 for _ in exact), *self.widths], "float64")[codes]
        numbers = (means + _REACH * widths * offsets).clip(self.low, self.high)
        return pd.Series(numbers) if self.kind == "number" else pd.Series(np.round(numbers)).astype("Int64")


class InterestGan(mlflow.pyfunc.PythonModel):
    """Loads the generator and what its codes mean; answers in rows."""

    def load_context(self, context) -> None:
        self.generator = keras.saving.load_model(context.artifacts["generator"], safe_mode=True)
        table = json.loads(Path(context.artifacts["table"]).read_text())
        self.columns = tuple(Column(column) for column in table["columns"])
        self.chances = table["chances"]
        self.noise = int(table["noise"])
        shares = [np.asarray(one, "float64") / np.sum(one) for one in self.chances]
        self.frequency = np.concatenate(shares) / len(shares)  # (value,)
        discrete = [column for column in self.columns if column.is_discrete]
        pairs = [(column.name, _word(value)) for column in discrete for value in column.values]
        self.places = {pair: place for place, pair in enumerate(pairs)}

    def predict(self, context, model_input: pd.DataFrame, params: dict | None = None) -> pd.DataFrame:  # noqa: ARG002
        counts = pd.to_numeric(model_input["rows"], errors="coerce").fillna(0).clip(lower=0)
        counts = counts.where(np.isfinite(counts), 0).astype(int).to_numpy()
        asked = [
            self._asked(*one) for one in zip(_given(model_input, "column"), _given(model_input, "value"), strict=True)
        ]
        requests = np.repeat(np.arange(len(counts)), counts)
        random = np.random.default_rng(int((params or {}).get("seed", 1)))
        starts = range(0, max(len(requests), 1), _ROWS_AT_ONCE)
        parts = [self._made(requests[start : start + _ROWS_AT_ONCE], asked, random) for start in starts]
        return pd.concat(parts, ignore_index=True)

    def score(self, noise: np.ndarray, condition: np.ndarray) -> np.ndarray:
        """Noise (row, noise) and one-hot wanted values (row, value) to raw rows (row, size)."""
        return self.generator.predict([noise, condition], batch_size=_ROWS_A_BATCH, verbose=0)

    def _asked(self, column: object, value: object) -> tuple[int | None, str, str] | None:
        """Place, column and value of what is wanted; a place of None is unknown; None where nothing is wanted."""
        if _is_nothing(column) and _is_nothing(value):
            return None
        return self.places.get((str(column), _word(value))), str(column), _word(value)

    def _made(self, requests: np.ndarray, asked: list, random: np.random.Generator) -> pd.DataFrame:
        """One row for each entry of `requests`, the place of its request."""
        wanted = random.choice(len(self.frequency), len(requests), p=self.frequency / self.frequency.sum())
        places = np.array([-1 if one is None or one[0] is None else one[0] for one in asked], int)[requests]
        wanted = np.where(places >= 0, places, wanted)
        condition = np.zeros((len(requests), len(self.frequency)), "float32")
        condition[np.arange(len(requests)), wanted] = 1.0
        rows = self._decoded(random.standard_normal((len(requests), self.noise), dtype="float32"), condition, random)
        met = np.ones(len(rows), bool)
        for number, one in enumerate(asked):
            of_it = requests == number
            if one is not None and of_it.any():
                place, column, value = one
                met[of_it] = False if place is None else rows.loc[of_it, column].map(_word) == value
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
        return pd.DataFrame(
            {
                column.name: column.decoded(block.argmax(axis=1), offsets[:, place])
                for place, (column, block) in enumerate(zip(self.columns, blocks, strict=True))
            }
        )


def _given(frame: pd.DataFrame, name: str) -> list:
    return list(frame[name]) if name in frame else [None] * len(frame)


def _is_nothing(value: object) -> bool:
    return value is None or value is pd.NA or value == "" or (isinstance(value, float) and np.isnan(value))


def _word(value: object) -> str:
    """A value as a caller writes it; truth values in any case."""
    if _is_nothing(value):
        return ""
    text = str(value)
    return text.lower() if text.lower() in ("true", "false") else text


mlflow.models.set_model(InterestGan())
