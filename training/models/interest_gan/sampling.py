"""Synthetic rows from a generator: the one just trained, or the registered one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from training.models.interest_gan.mixed_columns import MixedColumn, decode
from training.models.interest_gan.mixed_rows import TARGET
from training.models.interest_gan.row_vectors import draw_codes, draw_conditions, layout_of


class Generator(Protocol):
    """What makes rows: the model just trained, or the object behind the registered pyfunc."""

    columns: tuple[MixedColumn, ...]
    chances: Sequence[Sequence[float]]
    """Share of training rows with each value, one list per conditional column."""
    noise: int
    """Size of the random vector."""

    def score(self, noise: np.ndarray, condition: np.ndarray) -> np.ndarray:
        """Noise (row, noise) and one-hot conditions (row, value) to raw rows (row, size)."""


def synthesise(model: Generator, rows: int, seed: int) -> pd.DataFrame:
    """Synthetic rows with the columns of the training table, as Int64, float64, boolean and object columns."""
    random = np.random.default_rng(seed)
    layout = layout_of(model.columns, TARGET)
    raw = model.score(*random_inputs(model, rows, random)) if rows > 0 else np.zeros((0, layout.size))
    return decode(model.columns, *draw_codes(raw, layout, random))


def random_inputs(model: Generator, rows: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Random noise (row, noise) and one-hot conditions (row, value), float32."""
    values = draw_conditions(model.chances, rows, random)
    condition = np.zeros((rows, sum(len(one) for one in model.chances)), "float32")
    condition[np.arange(rows), values] = 1.0
    return random.standard_normal((rows, model.noise), dtype="float32"), condition
