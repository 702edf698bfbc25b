"""How much each column of a row contributed to what sending changes in the chance to come, by integrated gradients."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pandas as pd

from training.integrated_gradients import completeness, integrated_gradients


def click_effect(model: Any, features: Any) -> Any:
    """Chance to come with the message less chance without, of features (batch, width), in Keras operations (batch,)."""
    logits = model.head(features)  # (batch, arms * outcomes)
    outcomes = logits.shape[-1] // 2
    return keras.ops.sigmoid(logits[:, outcomes]) - keras.ops.sigmoid(logits[:, 0])


def effect_attributions(
    model: Any, rows: pd.DataFrame, first: int | None = None
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Attributions of the effect on the chance to come, against the mean of all rows as baseline.

    Args:
        model: with `embedder`, `head`, `encode` and `feature_slices`, as in `training/models/uplift/learner.py`.
        first: explain only this many rows; the baseline is the mean of all.

    Returns:
        By column the attribution of each row (explained rows,), and the completeness of each row (explained rows,).
    """
    features = np.asarray(model.embedder.predict_on_batch(list(model.encode(rows))))
    baseline = features.mean(axis=0, keepdims=True)

    def effect(vectors):
        return click_effect(model, vectors)

    explained = features[:first]
    attributions = integrated_gradients(effect, explained, baseline)  # (explained rows, width)
    by_column = {name: attributions[:, start:stop].sum(axis=1) for name, (start, stop) in model.feature_slices.items()}
    return by_column, completeness(effect, explained, baseline, attributions)
