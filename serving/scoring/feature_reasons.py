"""Features of a response in words for a person who reads an audience."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

_WORDS = {
    "campaign": "this campaign",
    "age_band": "age {}",
    "gender": "gender {}",
    "region": "region {}",
    "main_device": "mostly on {}",
    "favourite_category": "likes {}",
    "monetary": "spent {:,.0f} euros",
    "weekend_share": "{:.0%} of acts at weekends",
}

_COUNTED = {
    "recency_days": ("last here on the same day", "last here the day before", "last here {:,.0f} days before"),
    "tenure_days": ("new on the same day", "known for a day", "known for {:,.0f} days"),
    "acts_7_days": ("no acts in 7 days", "one act in 7 days", "{:,.0f} acts in 7 days"),
    "acts_28_days": ("no acts in 28 days", "one act in 28 days", "{:,.0f} acts in 28 days"),
    "carts": ("nothing put in the cart", "once in the cart", "{:,.0f} times in the cart"),
    "purchases": ("no purchases", "one purchase", "{:,.0f} purchases"),
    "campaign_visits": ("never came from a campaign", "came once from a campaign", "came {:,.0f} times from campaigns"),
    "same_campaign_visits": (
        "never came from this campaign",
        "came once from this campaign",
        "came {:,.0f} times from this campaign",
    ),
}
"""Words for none, one and several."""


def feature_reasons(rows: pd.DataFrame, names: list[str], attributions: np.ndarray, *, most: int) -> list[list[str]]:
    """For each row the names that raised the score most, as words, strongest first; none where nothing raised it.

    Args:
        rows: raw values, one column a name.
        names: of the features (features,).
        attributions: (rows, features).
    """
    order = np.argsort(-attributions, axis=1, kind="stable")[:, :most]  # (rows, most)
    columns = [rows[name].to_numpy() for name in names]
    return [
        [_in_words(names[one], columns[one][row]) for one in best if attributions[row, one] > 0]
        for row, best in enumerate(order)
    ]


def _in_words(name: str, value: Any) -> str:
    if pd.isna(value):
        return f"unknown {name.replace('_', ' ')}"
    if name in _COUNTED:
        return _COUNTED[name][min(max(round(value), 0), 2)].format(value)
    if name == "monetary" and round(value) < 0:
        return f"got back {-value:.0f} euros more than spent"
    if name == "monetary" and round(value) == 1:
        return "spent one euro"
    return _WORDS.get(name, name.replace("_", " ") + " {}").format(value)
