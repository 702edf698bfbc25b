"""Features of a response in words for a person who reads an audience."""

from __future__ import annotations

import numpy as np
import pandas as pd

_WORDS = {
    "campaign": "this campaign",
    "age_band": "age {}",
    "gender": "gender {}",
    "region": "region {}",
    "main_device": "mostly on {}",
    "favourite_category": "likes {}",
    "recency_days": "last here {:.0f} days before",
    "tenure_days": "known for {:.0f} days",
    "acts_7_days": "{:.0f} acts in 7 days",
    "acts_28_days": "{:.0f} acts in 28 days",
    "carts": "{:.0f} times in the cart",
    "purchases": "{:.0f} purchases",
    "monetary": "spent {:.0f} euros",
    "weekend_share": "{:.0%} of acts at weekends",
    "campaign_visits": "came {:.0f} times from campaigns",
    "same_campaign_visits": "came {:.0f} times from this campaign",
}


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


def _in_words(name: str, value: object) -> str:
    words = _WORDS.get(name, name.replace("_", " ") + " {}")
    return f"unknown {name.replace('_', ' ')}" if pd.isna(value) else words.format(value)
