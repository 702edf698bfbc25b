"""EASE, a linear autoencoder in closed form (Steck, 2019, arXiv:1905.03375): a strong baseline for baskets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from contracts.errors import ModelError

EASE_ITEMS = 20_000
"""Most items: the two matrices of items x items, 8 bytes per cell, then take 6.4 GB."""


@dataclass(frozen=True)
class Ease:
    """Item-item weights (items, items) with a zero diagonal, so that no item predicts itself."""

    weights: np.ndarray

    def score(self, padded: np.ndarray) -> np.ndarray:
        """Scores of all items (people, items) for coded items (people, longest), 0 for none."""
        people, steps = np.nonzero(padded)
        codes = padded[people, steps] - 1
        visible = csr_matrix((np.ones(len(codes), "float32"), (people, codes)), (len(padded), len(self.weights)))
        return np.asarray(visible @ self.weights)


def too_many_items(items: int, most: int = EASE_ITEMS) -> str | None:
    """The reason why EASE cannot be fitted to so many items; None if it can."""
    if items <= most:
        return None
    return f"EASE needs a matrix of {items:,} x {items:,} items, and at most {most:,} are allowed"


def fit_ease(rows: csr_matrix, penalty: float, *, most_items: int = EASE_ITEMS) -> Ease:
    """Solve equation 8 of the paper: B = I - P diagMat(1 / diag(P)), where P = (X'X + penalty I)^-1.

    Args:
        rows: X, 1 where a person chose an item (people, items).
        penalty: lambda, the weight of the L2 norm; above 0.

    Raises:
        ModelError: too many items, or a penalty that is not above 0.
    """
    reason = too_many_items(rows.shape[1], most_items)
    if reason or penalty <= 0:
        raise ModelError(
            expected=f"at most {most_items:,} items and a penalty above 0",
            received=reason or f"a penalty of {penalty}",
            remedy="leave EASE out, allow more items if memory and time do, or choose a higher penalty",
        )
    gram = (rows.T @ rows).toarray().astype("float64")
    gram[np.diag_indices_from(gram)] += penalty
    inverse = np.linalg.inv(gram)
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return Ease(weights.astype("float32"))
