"""The served form of `taste_autoencoder`: MLflow runs this file from the registered model, without Nightshift.

Input: a DataFrame with a column `history`, lists of item ids in any order. Unknown ids, None and NaN are ignored; a
history that is not a list, or null, counts as empty.
Output: for each history the best `k` items that are not in it (`items`), their `scores`, which compare within one
history only, and the `taste_vector`. A history without any known item gets the most popular items, with the number of
people who chose them in training as scores, and a taste of zeros. A history whose scores are not finite gets empty
lists and a taste of zeros.
"""

from __future__ import annotations

import json
from pathlib import Path

import keras
import mlflow
import numpy as np
import pandas as pd

_CELLS_A_BATCH = 4_000_000
_LEAST_GROUPS = 512


class TasteRanker(mlflow.pyfunc.PythonModel):
    """The ranker and its vocabulary; item ids in, item ids out. A newcomer is folded in by one pass of the encoder."""

    def load_context(self, context) -> None:
        self.ranker = keras.saving.load_model(context.artifacts["ranker"], safe_mode=True)
        vocabulary = json.loads(Path(context.artifacts["vocabulary"]).read_text())
        self.item_ids = np.array(vocabulary["item_ids"], dtype=object)  # (items,)
        self.counts = np.array(vocabulary["counts"], dtype="float32")  # (items,)
        self.places = pd.Index(self.item_ids)
        layers = self.ranker.get_layer("encoder").layers
        self._into, self._behind = layers[2], layers[3:]  # after the rows and their scaling to length 1
        self._kernel, self._bias = map(np.asarray, (self._into.kernel, self._into.bias))  # (items, units), (units,)
        self._latent = self.ranker.get_layer("decoder").input_shape[-1]

    def predict(self, context, model_input: pd.DataFrame, params: dict | None = None) -> pd.DataFrame:  # noqa: ARG002
        k = min(_whole_number(params, "k", 10), len(self.item_ids))
        lists = model_input["history"] if "history" in model_input else [None] * len(model_input)
        histories = [one if isinstance(one, (list, tuple, set, np.ndarray)) else [] for one in lists]
        size = max(1, _CELLS_A_BATCH // len(self.item_ids))
        starts = range(0, max(1, len(histories)), size)
        return pd.concat([self._answer(histories[start : start + size], k) for start in starts], ignore_index=True)

    def tastes(self, histories: list) -> np.ndarray:
        """Taste vectors of histories, zeros for those without any known item (people, latent).

        The encoder's first layer adds up the weights of a person's items, which takes no dense row of all items.
        """
        padded = self._padded(histories)
        people, codes = np.nonzero(_first_of_each(padded))
        codes = padded[people, codes] - 1
        counts = np.bincount(people, minlength=len(padded))
        sums = np.zeros((len(padded), self._kernel.shape[1]), "float32")
        known = np.flatnonzero(counts)
        starts = (np.cumsum(counts) - counts)[known]
        if len(known):
            sums[known] = np.add.reduceat(self._kernel[codes], starts, axis=0)
        state = self._into.activation(sums / np.sqrt(np.maximum(counts, 1))[:, None].astype("float32") + self._bias)
        for layer in self._behind:
            state = layer(state)
        tastes = np.array(state, "float64")[:, : self._latent]
        tastes[(counts == 0) | ~np.isfinite(tastes).all(axis=1)] = 0.0
        return tastes

    def score(self, padded: np.ndarray) -> np.ndarray:
        """Scores of all items (people, items) for item codes (people, longest) from 1, 0 for none."""
        return self._answers(padded)["scores"]

    def _answers(self, padded: np.ndarray) -> dict[str, np.ndarray]:
        """Scores (people, items) and tastes (people, latent), in batches that fit into memory."""
        size = max(1, _CELLS_A_BATCH // len(self.item_ids))
        starts = range(0, max(1, len(padded)), size)
        parts = [self.ranker.predict_on_batch(self._rows(padded[start : start + size])) for start in starts]
        return {name: np.concatenate([part[name] for part in parts]) for name in ("scores", "taste_vector")}

    def _rows(self, padded: np.ndarray) -> np.ndarray:
        """Codes (people, longest) to rows of zeros and ones (people, items)."""
        rows = np.zeros((len(padded), len(self.item_ids) + 1), "float32")
        np.put_along_axis(rows, padded, 1.0, axis=1)
        return rows[:, 1:]

    def _answer(self, histories: list, k: int) -> pd.DataFrame:
        padded = self._padded(histories)
        answers = self._answers(padded)
        scores, tastes = answers["scores"], answers["taste_vector"].astype("float64")
        cold = ~padded.any(axis=1)
        scores[cold] = self.counts
        people, steps = np.nonzero(padded)
        broken = ~np.isfinite(scores).all(axis=1)
        tastes[cold | broken | ~np.isfinite(tastes).all(axis=1)] = 0.0
        scores[people, padded[people, steps] - 1] = -np.inf
        scores[broken] = -np.inf
        best = best_places(scores, k)  # (people, k)
        best_scores = np.take_along_axis(scores, best, axis=1)
        offered = np.isfinite(best_scores)
        return pd.DataFrame(
            {
                "items": [list(self.item_ids[row[keep]]) for row, keep in zip(best, offered, strict=True)],
                "scores": [row[keep].tolist() for row, keep in zip(best_scores, offered, strict=True)],
                "taste_vector": tastes.tolist(),
            }
        )

    def _padded(self, histories: list) -> np.ndarray:
        """Codes of the known items of each history, padded with 0 on the right (people, longest)."""
        people = np.repeat(np.arange(len(histories)), [len(history) for history in histories])
        flat = pd.Index([item for history in histories for item in history], dtype=object)
        codes = self.places.get_indexer(flat) + 1
        people, codes = people[codes > 0], codes[codes > 0]
        lengths = np.bincount(people, minlength=len(histories))
        padded = np.zeros((len(histories), max(1, lengths.max(initial=0))), "int32")
        padded[people, np.arange(len(people)) - np.repeat(np.cumsum(lengths) - lengths, lengths)] = codes
        return padded


def _first_of_each(padded: np.ndarray) -> np.ndarray:
    """Whether a code stands there for the first time in its row; never for 0 (people, longest)."""
    order = np.argsort(padded, axis=1, kind="stable")
    codes = np.take_along_axis(padded, order, axis=1)
    first = np.diff(codes, axis=1, prepend=0) > 0
    found = np.zeros(padded.shape, bool)
    np.put_along_axis(found, order, first, axis=1)
    return found


def best_places(scores: np.ndarray, k: int) -> np.ndarray:
    """Places of the `k` highest scores of each row, highest first, of equal ones the first (rows, k).

    The items are dealt out to groups. In each of the `k` groups whose highest score is highest stands an item that is
    not below the `k`-th of these scores, so that only items which reach it are sorted: few more than `k` a row. No
    score may be NaN.
    """
    rows, items = scores.shape
    groups = min(items, max(8 * k, _LEAST_GROUPS))
    highest = scores[:, :groups].copy()  # (rows, groups)
    for start in range(groups, items, groups):
        part = scores[:, start : start + groups]
        reached = highest[:, : part.shape[1]]
        np.maximum(reached, part, out=reached)
    least = np.partition(highest, groups - k, axis=1)[:, groups - k]  # (rows,)
    places = np.flatnonzero(scores >= least[:, None])  # in the order of rows, then of items (candidates,)
    row, values = places // items, scores.ravel()[places]
    equal = values == least[row]
    nth_equal = np.cumsum(equal)
    before = np.concatenate([[0], nth_equal])[np.searchsorted(row, np.arange(rows))]  # (rows,)
    needed = ~equal | (nth_equal - before[row] <= k)
    places, row, values = places[needed], row[needed], values[needed]
    order = np.lexsort((-values, row))
    best = order[np.searchsorted(row, np.arange(rows))[:, None] + np.arange(k)]
    return places[best] % items


def _whole_number(params: dict | None, name: str, default: int) -> int:
    """A parameter of at least 1; a caller over HTTP is answered with status 400 where it is less."""
    value = int((params or {}).get(name, default))
    if value < 1:
        raise mlflow.exceptions.MlflowException.invalid_parameter_value(
            f"expected a whole number of at least 1 as {name}, but received {value}; correct the request"
        )
    return value


mlflow.models.set_model(TasteRanker())
