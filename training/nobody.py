"""Rows of nobody, as examples of a model's input: they stay with the model's files, where no person's row may be."""

from __future__ import annotations

import pandas as pd

from training.data import Sequences


def nobodys_histories(data: Sequences) -> pd.DataFrame:
    """Two histories, the first items by id, chosen on the two latest days, at midnight: `history`, `occurred_at` in
    seconds since 1970, `taste_vector`."""
    items = [str(item) for item in data.item_ids[:3]]
    today = data.times.max().astype("datetime64[D]")
    seconds = [float(day.astype("datetime64[s]").astype(float)) for day in (today - 1, today)]
    size = 0 if data.tastes is None else data.tastes.shape[1]
    return pd.DataFrame(
        {
            "history": [items[:2], items[-1:]],
            "occurred_at": [seconds, seconds[-1:]],
            "taste_vector": [[0.0] * max(size, 1)] * 2,
        }
    )
