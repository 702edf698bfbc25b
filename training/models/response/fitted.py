"""A trained net of `response` or `uplift` as its learner sees it: its parts by name, and what an order is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd

from training.learner import Fitted


@dataclass
class FittedWithOrders(Fitted):
    """A net with its best weights, and the euros of a mean order."""

    net: Any
    """With `epochs`, `embedder`, `head`, `feature_slices`, `encode` and `score`."""
    order_value: float
    """Euros of a mean order, over all campaigns."""
    order_values: Mapping[str, float]
    """Euros of a mean order of each campaign, shrunk towards the mean of all."""

    @property
    def epochs(self):
        return self.net.epochs

    @property
    def embedder(self) -> keras.Model:
        return self.net.embedder

    @property
    def head(self) -> keras.Model:
        return self.net.head

    @property
    def feature_slices(self) -> Mapping[str, list[int]]:
        return self.net.feature_slices

    def encode(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        return self.net.encode(rows)

    def score(self, numbers: np.ndarray, codes: np.ndarray) -> np.ndarray:
        return self.net.score(numbers, codes)
