"""How much each column of a row contributed to the logit of a click, by integrated gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from training.integrated_gradients import completeness, integrated_gradients
from training.models.response.loading import CLICK


def click_attributions(
    model: Any, rows: pd.DataFrame, first: int | None = None
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Attributions of the logit of a click, against the mean of all rows as baseline.

    Args:
        model: with `embedder`, `head`, `encode` and `feature_slices`, as in `training/models/response/learner.py`.
        first: explain only this many rows; the baseline is the mean of all.

    Returns:
        By column the attribution of each row (explained rows,), and the completeness of each row (explained rows,).
    """
    features = np.asarray(model.embedder.predict_on_batch(list(model.encode(rows))))
    baseline = features.mean(axis=0, keepdims=True)

    def click(vectors):
        return model.head(vectors)[:, CLICK]

    explained = features[:first]
    attributions = integrated_gradients(click, explained, baseline)  # (explained rows, width)
    by_column = {name: attributions[:, start:stop].sum(axis=1) for name, (start, stop) in model.feature_slices.items()}
    return by_column, completeness(click, explained, baseline, attributions)
