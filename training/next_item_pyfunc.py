"""The served form of `next_item`: MLflow runs this file from the registered model, without the rest of Nightshift.

In: a DataFrame with a column `history`, lists of item ids of any length, oldest first, unknown ids allowed.
Out: for each history the best `k` items that are not in it, their scores, and for each item the id of the history
item that lies nearest to it in the model's embeddings. A history without any known item gets the popularity ranking,
with the items' acts in training as scores and nothing as `because`. A history whose scores are not finite numbers
gets empty lists.
"""

from __future__ import annotations

import json
from pathlib import Path

import keras
import mlflow
import numpy as np
import pandas as pd

_HISTORIES_A_BATCH = 1024


class NextItemRanker(mlflow.pyfunc.PythonModel):
    """Loads the ranker and its vocabulary; answers in item ids."""

    def load_context(self, context) -> None:
        self.ranker = keras.saving.load_model(context.artifacts["ranker"], safe_mode=True)
        vocabulary = json.loads(Path(context.artifacts["vocabulary"]).read_text())
        self.item_ids = np.array(vocabulary["item_ids"], dtype=object)  # (items,)
        self.counts = np.array(vocabulary["counts"], dtype="float32")  # (items,)
        self.max_length = vocabulary["max_length"]
        self.places = pd.Index(self.item_ids)
        vectors = np.asarray(self.ranker.get_layer("items").embeddings)[1:]  # (items, dimensions)
        self.directions = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)

    def predict(self, context, model_input: pd.DataFrame, params: dict | None = None) -> pd.DataFrame:  # noqa: ARG002
        k = min(int((params or {}).get("k", 10)), len(self.item_ids))
        histories = list(model_input["history"])
        answers = [
            self._answer(histories[start : start + _HISTORIES_A_BATCH], k)
            for start in range(0, len(histories), _HISTORIES_A_BATCH)
        ]
        return pd.concat(answers, ignore_index=True)

    def score(self, padded: np.ndarray) -> np.ndarray:
        """Scores of all items (batch, items) for coded histories (batch, step), 0 on the right."""
        return self.ranker.predict_on_batch(padded)

    def _answer(self, histories: list, k: int) -> pd.DataFrame:
        people, codes = self._known(histories)
        padded = _pad(people, codes, len(histories), self.max_length)
        scores = self.score(padded)
        cold = ~padded.any(axis=1)
        scores[cold] = self.counts
        scores[people, codes - 1] = -np.inf
        scores[~np.isfinite(scores)] = -np.inf
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]  # (batch, k)
        best_scores = np.take_along_axis(scores, best, axis=1)
        because = self._nearest(best, padded)
        offered = np.isfinite(best_scores)
        return pd.DataFrame(
            {
                "items": [list(self.item_ids[row[keep]]) for row, keep in zip(best, offered, strict=True)],
                "scores": [row[keep].tolist() for row, keep in zip(best_scores, offered, strict=True)],
                "because": [list(row[keep]) for row, keep in zip(because, offered, strict=True)],
            }
        )

    def _known(self, histories: list) -> tuple[np.ndarray, np.ndarray]:
        """Every (history, code) of a known item, in order."""
        lengths = [len(history) for history in histories]
        flat = [item for history in histories for item in history]
        codes = self.places.get_indexer(pd.Index(flat, dtype=object)) + 1
        people = np.repeat(np.arange(len(histories)), lengths)
        return people[codes > 0], codes[codes > 0]

    def _nearest(self, best: np.ndarray, padded: np.ndarray) -> np.ndarray:
        """Id of the history item with the highest cosine to each recommended item, None without one (batch, k)."""
        known = padded > 0
        past = self.directions[np.where(known, padded - 1, 0)]  # (batch, step, dimensions)
        cosine = np.einsum("bkd,bsd->bks", self.directions[best], past)
        cosine = np.where(known[:, None, :], cosine, -np.inf)
        nearest = np.take_along_axis(padded, cosine.argmax(axis=2), axis=1)  # (batch, k)
        return np.where(nearest > 0, self.item_ids[nearest - 1], None)


def _pad(people: np.ndarray, codes: np.ndarray, batch: int, max_length: int) -> np.ndarray:
    """The latest `max_length` codes of each history, 0 on the right (batch, max_length)."""
    lengths = np.bincount(people, minlength=batch)
    within = np.arange(len(people)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    step = within - np.maximum(lengths - max_length, 0)[people]
    padded = np.zeros((batch, max_length), "int32")
    padded[people[step >= 0], step[step >= 0]] = codes[step >= 0]
    return padded


mlflow.models.set_model(NextItemRanker())
