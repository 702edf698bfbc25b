"""What each campaign would do for each person who can be reached, by the champion of `response`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from contracts.tables.served import RESPONSES
from serving.scoring.champions import Champion
from serving.scoring.feature_reasons import feature_reasons
from training.integrated_gradients import integrated_gradients

REASONS = 2
"""Most reasons a row: the features that raised the chance to click most."""

_STEPS = 8
_CLICK = 0
_CHANCES = ["click_chance", "purchase_chance", "leave_chance", "expected_value"]


def predict_responses(recipients: pd.DataFrame, champion: Champion | None) -> pd.DataFrame:
    """The rows of the table `responses`; none without a champion or without campaigns.

    Args:
        recipients: the mart `scoring_responses`, by person and campaign.
    """
    if champion is None or recipients.empty:
        return pd.DataFrame(columns=RESPONSES.column_names)
    chances = champion.predict(recipients)
    return pd.DataFrame(
        {
            **recipients[["person_id", "campaign"]],
            **chances[_CHANCES],
            "reasons": click_reasons(champion.model, recipients),
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
