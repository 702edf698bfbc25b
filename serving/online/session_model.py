"""The champion of `next_item` in NumPy: one session scored in a millisecond, without TensorFlow in the process.

`serving/storing/session_weights.py` takes the weights out of the registered net, and compares these scores with its
own before a store is used; `training/models/next_item/network.py` says what each layer is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

_EPSILON = 1e-6
"""Of the layer normalisations."""
_FIRST_ACT, _LAST_GAP = 1, 31
"""Codes of the time between two acts, as in `training/models/next_item/pyfunc.py`."""


class SessionModel:
    """Scores of all items after a history."""

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        """Take the weights over.

        Args:
            weights: what `session_weights` makes: by layer, blocks numbered from 0.
        """
        self._weights = {name: np.ascontiguousarray(value) for name, value in weights.items()}
        self.max_length = int(weights["max_length"])
        self._blocks = int(weights["blocks"])
        self._items = self._weights["items"]  # (1 + items, dimensions)
        known = self._weights.get("known", np.ones(len(self), bool))
        self._unknown = None if known.all() else ~known
        self._scale = np.float32(self._items.shape[1] ** 0.5)
        self._is_gru = "0.gru_kernel" in weights
        self.reads_times, self.reads_taste = "gaps" in weights, "taste_kernel" in weights
        lengths = np.linalg.norm(self._items, axis=1, keepdims=True)
        self._directions = self._items / np.maximum(lengths, 1e-12)

    @classmethod
    def load(cls, file: Path) -> SessionModel:
        with np.load(file, allow_pickle=False) as weights:
            return cls(dict(weights))

    def __len__(self) -> int:
        """The number of items that it has scores for."""
        return len(self._items) - 1

    def knows(self, code: int) -> bool:
        """Whether it has learned an item."""
        return code <= len(self) and (self._unknown is None or not self._unknown[code - 1])

    def score(self, codes: np.ndarray, times: np.ndarray | None = None, taste: np.ndarray | None = None) -> np.ndarray:
        """Scores of all items as the next one (items,), not finite where the net is broken or does not know one.

        Args:
            codes: of known items, oldest first, at least one (acts,).
            times: seconds since 1970 of each, NaN where it is not known; without them no gap is (acts,).
            taste: the person's taste vector, zeros without one.
        """
        codes = codes[-self.max_length :]
        steps = self._items[codes] * self._scale  # (step, dimensions)
        weights = self._weights
        if "positions" in weights:
            steps = steps + weights["positions"][: len(codes)]
        if self.reads_times:
            gaps = np.full(len(codes), _FIRST_ACT) if times is None else _gaps(times)[-len(codes) :]
            steps = steps + weights["gaps"][gaps]
        if "categories" in weights:
            steps = steps + weights["categories"][weights["item_categories"][codes]]
        if self.reads_taste:
            vector = np.zeros(len(weights["taste_kernel"]), "float32") if taste is None else taste.astype("float32")
            steps = steps + (vector @ weights["taste_kernel"] + weights["taste_bias"])
        for number in range(self._blocks):
            steps = self._gru(number, steps) if self._is_gru else self._attention(number, steps)
        state = self._normalised("last", steps[-1:])[0]
        scores = self._items[1:] @ state
        if self._unknown is not None:
            scores[self._unknown] = -np.inf
        return scores

    def nearest(self, best: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """The code of the history that is most like each of some items in the net's embeddings (best,).

        Args:
            best: codes of items (best,).
            codes: of the history (acts,).
        """
        codes = codes[-self.max_length :]
        return codes[(self._directions[best] @ self._directions[codes].T).argmax(axis=1)]

    def _gru(self, number: int, steps: np.ndarray) -> np.ndarray:
        """A residual GRU, reset after the matrix product, as Keras builds it: (step, dimensions) to the same."""
        kernel, recurrent, bias = (self._weights[f"{number}.gru_{part}"] for part in ("kernel", "recurrent", "bias"))
        units = len(recurrent)
        from_input = steps @ kernel + bias[0]  # (step, 3 x units)
        states = np.empty((len(steps), units), "float32")
        state = np.zeros(units, "float32")
        for step, given in enumerate(from_input):
            kept = state @ recurrent + bias[1]
            gates = 1.0 / (1.0 + np.exp(-(given[: 2 * units] + kept[: 2 * units])))
            update = gates[:units]
            candidate = np.tanh(given[2 * units :] + gates[units:] * kept[2 * units :])
            state = candidate + update * (state - candidate)
            states[step] = state
        return steps + states @ self._weights[f"{number}.out_kernel"] + self._weights[f"{number}.out_bias"]

    def _attention(self, number: int, steps: np.ndarray) -> np.ndarray:
        """Causal self-attention and a feed-forward net, both residual: (step, dimensions) to the same."""
        from scipy.special import erf  # few stores need it

        weights = self._weights
        normalised = self._normalised(f"{number}.before", steps)
        query, key, value = (
            np.einsum("sd,dhk->hsk", normalised, weights[f"{number}.{part}_kernel"])
            + weights[f"{number}.{part}_bias"][:, None, :]
            for part in ("query", "key", "value")
        )  # each (head, step, size)
        likeness = query @ key.transpose(0, 2, 1) / np.float32(query.shape[2] ** 0.5)  # (head, step, step)
        likeness = np.where(np.tri(len(steps), dtype=bool), likeness, -np.inf)
        chances = np.exp(likeness - likeness.max(axis=2, keepdims=True))
        chances /= chances.sum(axis=2, keepdims=True)
        attended = np.einsum("hsk,hkd->sd", chances @ value, weights[f"{number}.attended_kernel"])
        steps = steps + attended + weights[f"{number}.attended_bias"]
        hidden = self._normalised(f"{number}.between", steps) @ weights[f"{number}.hidden_kernel"]
        hidden = hidden + weights[f"{number}.hidden_bias"]
        hidden = hidden * (1 + erf(hidden / np.float32(2**0.5))) / 2  # gelu
        return steps + hidden.astype("float32") @ weights[f"{number}.out_kernel"] + weights[f"{number}.out_bias"]

    def _normalised(self, name: str, steps: np.ndarray) -> np.ndarray:
        centred = steps - steps.mean(axis=-1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(_EPSILON))
        return centred / deviation * self._weights[f"{name}_gamma"] + self._weights[f"{name}_beta"]


def _gaps(times: np.ndarray) -> np.ndarray:
    """Code of the time since the act before (acts,); of the first, and where a time is missing, that of a first act."""
    with np.errstate(invalid="ignore"):
        gaps = np.minimum(2 + np.log2(1 + np.maximum(np.diff(times, prepend=np.nan), 0)), _LAST_GAP)
    return np.nan_to_num(gaps, nan=_FIRST_ACT).astype("int32")
