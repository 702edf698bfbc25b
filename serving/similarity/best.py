"""The best of many pairs of items, a block of items at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DECIMALS = 6
"""Scores are rounded before they are ranked, so that equal ones are equal on every machine."""


@dataclass(frozen=True)
class Pairs:
    """Items, their neighbours and scores; those of an item stand together, best first."""

    items: np.ndarray
    """Places of items (pairs,), int32."""
    neighbours: np.ndarray
    """(pairs,), int32"""
    scores: np.ndarray
    """(pairs,), float64"""

    @classmethod
    def together(cls, parts: list[Pairs]) -> Pairs:
        """Several as one, ordered by item."""
        if not parts:
            return cls(np.zeros(0, "int32"), np.zeros(0, "int32"), np.zeros(0))
        items, neighbours, scores = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("items", "neighbours", "scores")
        )
        order = np.argsort(items, kind="stable")
        return cls(items[order], neighbours[order], scores[order])

    def ranks(self) -> np.ndarray:
        """The place of each neighbour among those of its item, from 1 (pairs,)."""
        return _places(self.items) + 1


def best_pairs(items: np.ndarray, neighbours: np.ndarray, scores: np.ndarray, *, most: int) -> Pairs:
    """Of each item the neighbours of the best scores; of equal ones those that come first.

    Args:
        items: (pairs,).
        neighbours: (pairs,).
        scores: (pairs,).
    """
    scores = np.round(scores.astype("float64"), DECIMALS)
    order = np.lexsort((neighbours, -scores, items))
    items = items[order]
    kept = order[_places(items) < most]
    return Pairs(
        items[_places(items) < most].astype("int32"),
        neighbours[kept].astype("int32"),
        scores[kept],
    )


def best_cells(scores: np.ndarray, *, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the cells that may be among the best of their row: all that equal the last of these too.

    Args:
        scores: rounded; cells that are not wanted are below 0 (rows, columns).
    """
    if scores.shape[1] > most:
        last = np.partition(scores, scores.shape[1] - most, axis=1)[:, scores.shape[1] - most]
        wanted = scores >= np.maximum(last, 0)[:, None]
    else:
        wanted = scores >= 0
    return np.nonzero(wanted)


def _places(items: np.ndarray) -> np.ndarray:
    """How many equal ones stand before each (pairs,), of ones that stand together."""
    starts = np.flatnonzero(np.append(True, items[1:] != items[:-1])) if len(items) else np.zeros(0, int)
    return np.arange(len(items)) - np.repeat(starts, np.diff(np.append(starts, len(items))))
