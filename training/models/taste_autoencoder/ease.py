"""EASE, the linear autoencoder in closed form (Steck, 2019, arXiv:1905.03375): a strong baseline for baskets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from contracts.errors import ModelError

EASE_ITEMS = 20_000
"""Most items whose items x items matrices are made: two of 8 bytes a cell, 6.4 GB."""


@dataclass(frozen=True)
class Ease:
    """Item-item weights without a diagonal (items, items): an item cannot speak for itself."""

    weights: np.ndarray

    def score(self, padded: np.ndarray) -> np.ndarray:
        """Scores of all items (people, items) for coded items (people, longest), 0 for none."""
        people, places = np.nonzero(padded)
        codes = padded[people, places] - 1
        told = csr_matrix((np.ones(len(codes), "float32"), (people, codes)), (len(padded), len(self.weights)))
        return np.asarray(told @ self.weights)


def too_many_items(items: int, most: int = EASE_ITEMS) -> str | None:
    """Why there is no EASE for so many items, or None where there is."""
    if items <= most:
        return None
    return f"EASE needs a matrix of {items:,} x {items:,} items, and at most {most:,} are allowed"


def fit_ease(rows: csr_matrix, penalty: float, *, most_items: int = EASE_ITEMS) -> Ease:
    """Solve equation 8 of the paper: B = I - P diagMat(1 / diag(P)), where P = (X'X + penalty I)^-1.

    Args:
        rows: X, what each person chose (people, items).
        penalty: lambda, the weight of the L2 norm; above 0.

    Raises:
        ModelError: too many items for a matrix of items x items, or no positive penalty.
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
