"""The served form of `next_item`: MLflow runs this file from the registered model, without the rest of Nightshift.

Input: a DataFrame with a column `history`, lists of item ids of any length, oldest first. Unknown ids, None and NaN are
ignored; a history that is not a list, or null, counts as empty. Models with side inputs also read the columns
`occurred_at` (lists of seconds since 1970 UTC, whole or not, one per item) and `taste_vector` (lists of numbers), if
they are there; a row whose list is missing or has another length is scored without times or taste.
Output: for each history the best `k` items that are not in it (`items`), their `scores`, and in `because` the id of the
history item that is nearest to each of them in the model's embeddings. A history without any known item gets the most
popular items, with the number of acts in training as scores, and None as `because`. A history whose scores are not
finite gets empty lists. A model that learned with `content` has a place for an item that it has not learned from, once
`admit` has told it what the catalogue says of it. `because` is a quick answer for a caller who waits; nightly audiences
name the item that raised the score most (`serving/scoring/history_reasons.py`), and ask with the parameter `because` 0,
which leaves the column out: to find it takes as long as to rank.
"""

from __future__ import annotations

import json
from pathlib import Path

import keras
import mlflow
import numpy as np
import pandas as pd

_HISTORIES_A_BATCH = 1024
_SCORES_A_BATCH = 16_000_000
"""Most histories and most scores that are held at a time."""
_LEAST_GROUPS = 512

_FIRST_ACT, _LAST_GAP = 1, 31
"""Codes of the time between two acts, as in training: 1 for a first act, else 2 + log2(1 + seconds)."""


class NextItemRanker(mlflow.pyfunc.PythonModel):
    """The ranker and its vocabulary; item ids in, item ids out."""

    def load_context(self, context) -> None:
        self.ranker = keras.saving.load_model(context.artifacts["ranker"], safe_mode=True)
        vocabulary = json.loads(Path(context.artifacts["vocabulary"]).read_text())
        self.item_ids = np.array(vocabulary["item_ids"], dtype=object)  # (items,)
        self.counts = np.array(vocabulary["counts"], dtype="float32")  # (items,)
        self.max_length = vocabulary["max_length"]
        self.time_gap, self.taste = vocabulary["time_gap"], vocabulary["taste"]
        self.step_inputs = 2 if self.time_gap else 1
        self.places = pd.Index(self.item_ids)
        self.content, self.learned_ids = vocabulary.get("content"), self.item_ids
        self.directions = _directions(np.asarray(self.ranker.get_layer("items").embeddings)[1:])

    def admit(self, item_ids: np.ndarray, categories: np.ndarray, prices: np.ndarray, texts: np.ndarray) -> int:
        """Give places to items that it does not know, by what the catalogue says of them; returns how many.

        Args:
            item_ids, categories, prices, texts: what `content_features` says; ids are strings (items,).
        """
        new = np.flatnonzero(self.places.get_indexer(pd.Index(item_ids, dtype=object)) < 0)
        if self.content is None or not len(new):
            return 0
        features = content_features(categories[new], prices[new], texts[new], self.content)
        vectors = features @ np.array(self.content["projection"], "float32")  # (new, dimensions)
        self.ranker = _with_items(self.ranker, vectors)
        self.item_ids = np.concatenate([self.item_ids, np.asarray(item_ids, dtype=object)[new]])
        self.counts = np.concatenate([self.counts, np.zeros(len(new), "float32")])
        self.places = pd.Index(self.item_ids)
        self.directions = np.concatenate([self.directions, _directions(vectors)])
        return len(new)

    def predict(self, context, model_input: pd.DataFrame, params: dict | None = None) -> pd.DataFrame:  # noqa: ARG002
        k = min(_whole_number(params, "k", 10), len(self.item_ids))
        because = bool((params or {}).get("because", 1))
        size = min(_HISTORIES_A_BATCH, max(1, _SCORES_A_BATCH // len(self.item_ids)))
        starts = range(0, max(1, len(model_input)), size)
        return pd.concat(
            [self._answer(model_input.iloc[start : start + size], k, because=because) for start in starts],
            ignore_index=True,
        )

    def score(self, *inputs: np.ndarray) -> np.ndarray:
        """Coded histories (batch, step), 0 on the right, to scores of all items (batch, items).

        Models with side inputs also take the codes of time gaps (batch, step), then taste vectors (batch, taste).
        """
        scores = self.ranker.predict_on_batch(inputs if len(inputs) > 1 else inputs[0])
        return np.require(scores, requirements="W")  # a copy only where the backend keeps its own

    def encode(self, rows: pd.DataFrame) -> tuple[np.ndarray, ...]:
        """The inputs of `score` for rows of a DataFrame; the first `step_inputs` of them have one column per step."""
        histories = _histories(rows)
        return self._inputs(rows, histories, *self._known(histories))

    def _inputs(self, rows: pd.DataFrame, histories: list, people, codes, places) -> tuple[np.ndarray, ...]:
        inputs = [_pad(people, codes, len(rows), self.max_length)]
        if self.time_gap:
            gaps = _gaps(people, _moments(rows, histories)[places])
            inputs.append(_pad(people, gaps, len(rows), self.max_length))
        if self.taste:
            inputs.append(_vectors(rows, self.taste))
        return tuple(inputs)

    def _answer(self, rows: pd.DataFrame, k: int, *, because: bool) -> pd.DataFrame:
        histories = _histories(rows)
        people, codes, places = self._known(histories)
        inputs = self._inputs(rows, histories, people, codes, places)
        padded = inputs[0]
        scores = self.score(*inputs) if len(rows) else np.empty((0, len(self.item_ids)), "float32")
        cold = ~padded.any(axis=1)
        finite = np.isfinite(scores)
        if not finite.all():
            scores[~finite] = -np.inf
        scores[cold] = self.counts
        scores[people, codes - 1] = -np.inf
        best = best_places(scores, k)  # (batch, k)
        best_scores = np.take_along_axis(scores, best, axis=1)
        offered = np.isfinite(best_scores)
        answers = {
            "items": [list(self.item_ids[row[keep]]) for row, keep in zip(best, offered, strict=True)],
            "scores": [row[keep].tolist() for row, keep in zip(best_scores, offered, strict=True)],
        }
        if because:
            nearest = self._nearest(best, padded)
            answers["because"] = [list(row[keep]) for row, keep in zip(nearest, offered, strict=True)]
        return pd.DataFrame(answers)

    def _known(self, histories: list) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """History, code and position among all items of all histories, of each known item, in order (known items,)."""
        lengths = [len(history) for history in histories]
        flat = [item for history in histories for item in history]
        codes = self.places.get_indexer(pd.Index(flat, dtype=object)) + 1
        places = np.flatnonzero(codes)
        return np.repeat(np.arange(len(histories)), lengths)[places], codes[places], places

    def _nearest(self, best: np.ndarray, padded: np.ndarray) -> np.ndarray:
        """Id of the history item with the highest cosine to each recommended item, None if there is none (batch, k)."""
        known = padded > 0
        past = self.directions[np.where(known, padded - 1, 0)]  # (batch, step, dimensions)
        cosine = np.einsum("bkd,bsd->bks", self.directions[best], past)
        cosine = np.where(known[:, None, :], cosine, -np.inf)
        nearest = np.take_along_axis(padded, cosine.argmax(axis=2), axis=1)  # (batch, k)
        return np.where(nearest > 0, self.item_ids[nearest - 1], None)


def content_features(categories: np.ndarray, prices: np.ndarray, texts: np.ndarray, spec: dict) -> np.ndarray:
    """What a catalogue says of items, as numbers of about the same size (items, features).

    Args:
        categories: name of the category, or names parted by |, None for none (items,).
        prices: euros, not a number where none is known (items,).
        texts: vectors of the titles, of length 1, zeros where there is none (items, numbers); of another number than in
            training they say nothing.
        spec: `categories`, those of training in order; `prices`, mean and deviation of their logarithms; `text`, how
            many numbers a vector of a title has.
    """
    found = np.zeros((len(categories), len(spec["categories"]) + 1 + spec["text"]), "float32")
    named = pd.Series(categories, dtype=object).str.split("|").explode()
    code = pd.Index(spec["categories"], dtype=object).get_indexer(pd.Index(named, dtype=object))
    found[named.index[code >= 0], code[code >= 0]] = 1.0
    found /= np.sqrt(np.maximum(found.sum(axis=1, keepdims=True), 1.0))
    mean, deviation = spec["prices"]
    with np.errstate(invalid="ignore", divide="ignore"):
        price = (np.log(prices) - mean) / max(deviation, 1e-6)
    found[:, len(spec["categories"])] = np.clip(np.where(np.isfinite(price), price, 0.0), -3.0, 3.0) / 3.0
    if texts.shape[1] == spec["text"]:
        found[:, len(spec["categories"]) + 1 :] = np.nan_to_num(texts)
    return found


def _with_items(ranker: keras.Model, vectors: np.ndarray) -> keras.Model:
    """The same net with more items behind those that it has (items, dimensions)."""
    config = ranker.get_config()
    for layer in config["layers"]:
        if layer["name"] == "items":
            layer["config"]["input_dim"] += len(vectors)
    wider = keras.Model.from_config(config)
    for layer in wider.layers:
        weights = ranker.get_layer(layer.name).get_weights()
        if layer.name == "items":
            weights[0] = np.concatenate([weights[0], vectors])
        layer.set_weights(weights)
    return wider


def _directions(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _histories(rows: pd.DataFrame) -> list:
    lists = rows["history"] if "history" in rows else [None] * len(rows)
    return [one if isinstance(one, (list, tuple, np.ndarray)) else [] for one in lists]


def _pad(people: np.ndarray, codes: np.ndarray, batch: int, max_length: int) -> np.ndarray:
    """The latest `max_length` codes of each history, 0 on the right (batch, max_length)."""
    lengths = np.bincount(people, minlength=batch)
    within = np.arange(len(people)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    step = within - np.maximum(lengths - max_length, 0)[people]
    padded = np.zeros((batch, max_length), "int32")
    padded[people[step >= 0], step[step >= 0]] = codes[step >= 0]
    return padded


def _gaps(people: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Code of the time since the known act before of the same person (known acts,); NaN counts as no such act."""
    with np.errstate(invalid="ignore"):
        gaps = np.minimum(2 + np.log2(1 + np.maximum(np.diff(moments, prepend=np.nan), 0)), _LAST_GAP)
    gaps[np.diff(people, prepend=-1) > 0] = np.nan
    return np.nan_to_num(gaps, nan=_FIRST_ACT).astype("int32")


def _moments(rows: pd.DataFrame, histories: list) -> np.ndarray:
    """Seconds since 1970 of every item of every history, NaN if times are missing or not one per item (items,)."""
    lists = rows["occurred_at"] if "occurred_at" in rows else [None] * len(rows)
    seconds = [_numbers(values, len(history)) for values, history in zip(lists, histories, strict=True)]
    return np.concatenate([np.empty(0), *seconds])


def _vectors(rows: pd.DataFrame, size: int) -> np.ndarray:
    """Taste vectors, zeros for rows without one (batch, size)."""
    lists = rows["taste_vector"] if "taste_vector" in rows else [None] * len(rows)
    vectors = np.array([_numbers(values, size) for values in lists]).reshape(len(rows), size)
    return np.nan_to_num(vectors, nan=0.0, posinf=0.0, neginf=0.0).astype("float32")


def _numbers(values, size: int) -> np.ndarray:
    """A list as numbers, NaN for other values; all NaN if it is not a list of that length (size,)."""
    if not isinstance(values, (list, tuple, np.ndarray)) or len(values) != size:
        return np.full(size, np.nan)
    return pd.to_numeric(pd.Series(values, dtype=object), errors="coerce").to_numpy("float64")


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


mlflow.models.set_model(NextItemRanker())
