"""What each campaign would do for each person who can be reached, by the champion of `response`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from contracts.lake import Lake
from contracts.tables.marts import SCORING_RESPONSES
from contracts.tables.served import RESPONSES
from lake_tables.arrow import read_mart
from serving.scoring.champions import Champion
from serving.scoring.feature_reasons import feature_reasons
from training.integrated_gradients import integrated_gradients

REASONS = 2
"""Most reasons a row: the features that raised the chance to click most."""

_STEPS = 8
_CLICK = 0
_CHANCES = ["click_chance", "purchase_chance", "leave_chance", "expected_value"]


def predict_responses(lake: Lake, ds: str, champion: Champion | None) -> pd.DataFrame:
    """The rows of the table `responses`, by person and campaign; none without a champion or without campaigns."""
    if champion is None:
        return pd.DataFrame(columns=RESPONSES.column_names)
    rows = read_mart(lake, SCORING_RESPONSES.name, ds, SCORING_RESPONSES.column_names).to_pandas()
    rows = rows.sort_values(list(SCORING_RESPONSES.key), ignore_index=True)
    if rows.empty:
        return pd.DataFrame(columns=RESPONSES.column_names)
    answers = champion.predict(rows)
    return pd.DataFrame(
        {
            **rows[["person_id", "campaign"]],
            **answers[_CHANCES],
            "reasons": click_reasons(champion.model, rows),
            "model_version": champion.name,
        }
    )


def click_reasons(model: Any, rows: pd.DataFrame) -> list[list[str]]:
    """For each row the features that raised its chance to click most, in words.

    Integrated gradients of the click score against the average of these rows.

    Args:
        model: with `encode(rows)`, the nets `embedder` and `head`, and `feature_slices`.
    """
    features = np.asarray(model.embedder(model.encode(rows)))  # (rows, width)
    moved = integrated_gradients(
        lambda x: model.head(x)[:, _CLICK], features, features.mean(axis=0, keepdims=True), steps=_STEPS
    )
    names = list(model.feature_slices)
    sums = [moved[:, start:stop].sum(axis=1) for start, stop in model.feature_slices.values()]
    return feature_reasons(rows, names, np.stack(sums, axis=1), most=REASONS)
