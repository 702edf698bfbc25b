"""The served form of `uplift`: MLflow runs this file from the registered model, without the rest of Nightshift.

Input: a DataFrame with a column `campaign` and any of the other columns, raw values. None, NaN, text in number columns
and categories that training has not seen count as unknown.
Output: for each row what sending changes within a week: in the chance to come (`uplift_click`), in the chance to buy
(`uplift_purchase`), each from -1 to 1, and in euros (`uplift_euros`), the change in the chance to buy times the
campaign's mean order. Below 0 where sending does harm.
"""

from __future__ import annotations

import json
from pathlib import Path

import keras
import mlflow
import numpy as np
import pandas as pd

_OUTCOMES = ("uplift_click", "uplift_purchase")
_PURCHASE = 1
_ARMS = 2
_UNKNOWN = "unknown"
_ROWS_A_BATCH = 8192
_RATE_DAYS = 28.0


class UpliftModel(mlflow.pyfunc.PythonModel):
    """Embedder, head, encoding and calibration; raw columns in, changes of chances and of euros out."""

    def load_context(self, context) -> None:
        self.embedder = keras.saving.load_model(context.artifacts["embedder"], safe_mode=True)
        self.head = keras.saving.load_model(context.artifacts["head"], safe_mode=True)
        space = json.loads(Path(context.artifacts["space"]).read_text())
        self.knots, self.heights = space["knots"], space["heights"]
        self.rates, self.caps = space["rates"], space["caps"]
        self.vocabularies = {name: pd.Index(words, dtype=object) for name, words in space["vocabularies"].items()}
        self.feature_slices = space["feature_slices"]
        self.slopes, self.centres, self.means = (np.array(space[name]) for name in ("slopes", "centres", "means"))
        self.order_value, self.order_values = space["order_value"], space["order_values"]

    def predict(self, context, model_input: pd.DataFrame, params: dict | None = None) -> pd.DataFrame:  # noqa: ARG002
        changes = self.score(*self.encode(model_input))
        answers = pd.DataFrame(changes, columns=list(_OUTCOMES))
        euros = pd.Series(_texts(model_input, "campaign")).map(self.order_values).fillna(self.order_value)
        answers["uplift_euros"] = changes[:, _PURCHASE] * euros.to_numpy("float64")
        return answers

    def encode(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """The inputs of the net, as in training: numbers (rows, 2 * numbers) and codes (rows, categories)."""
        numbers = np.zeros((len(rows), 2 * len(self.knots)), "float32")
        for column, name in enumerate(self.knots):
            values = self._number(rows, name)
            known = np.isfinite(values)
            numbers[known, 2 * column] = np.interp(values[known], self.knots[name], self.heights[name])
            numbers[~known, 2 * column + 1] = 1
        codes = np.zeros((len(rows), len(self.vocabularies)), "int32")
        first = 0
        for column, (name, words) in enumerate(self.vocabularies.items()):
            codes[:, column] = first + words.get_indexer(_texts(rows, name)) + 1
            first += len(words) + 1
        return numbers, codes

    def _number(self, rows: pd.DataFrame, name: str) -> np.ndarray:
        """A column as training reads it: a count since the beginning as what there would be in 28 days (rows,)."""
        values, rate = _values(rows, name), self.rates.get(name)
        if rate is not None:
            days = _values(rows, rate["days"])
            grown = np.clip(days + 1, rate["fewest"], np.inf if rate["most"] is None else rate["most"])
            values = values * _RATE_DAYS / np.where(np.isfinite(days), grown, _RATE_DAYS)
        return np.minimum(values, self.caps.get(name, np.inf))

    def score(self, numbers: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """What sending changes in the chances to come and to buy (rows, 2) for encoded rows."""
        starts = range(0, len(numbers), _ROWS_A_BATCH)
        batches = [[numbers[start : start + _ROWS_A_BATCH], codes[start : start + _ROWS_A_BATCH]] for start in starts]
        logits = [self.head.predict_on_batch(self.embedder.predict_on_batch(batch)) for batch in batches]
        if not logits:
            return np.zeros((0, len(self.slopes)))
        lines = np.clip(np.concatenate(logits).astype("float64"), -500, 500)
        chances = (1 / (1 + np.exp(-lines))).reshape(len(lines), _ARMS, -1)
        differences = chances[:, 1] - chances[:, 0]
        return np.clip(self.means + self.slopes * (differences - self.centres), -1.0, 1.0)


def _values(rows: pd.DataFrame, name: str) -> np.ndarray:
    if name not in rows:
        return np.full(len(rows), np.nan)
    return pd.to_numeric(rows[name], errors="coerce").to_numpy("float64", na_value=np.nan)


def _texts(rows: pd.DataFrame, name: str) -> np.ndarray:
    if name not in rows:
        return np.full(len(rows), _UNKNOWN, dtype=object)
    column = rows[name].astype(object)
    return column.where(column.notna(), _UNKNOWN).astype(str).to_numpy(object)


mlflow.models.set_model(UpliftModel())
