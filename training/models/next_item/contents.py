"""What the catalogue says of the items of a vocabulary, as the network reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lake_tables.described_items import DescribedItems
from training.models.next_item.pyfunc import content_features


def content_spec(items: DescribedItems) -> dict[str, Any]:
    """How `content_features` makes numbers of what is known of items: what a training has to remember of its own."""
    logarithms = np.log(items.prices[items.prices > 0])
    prices = [float(logarithms.mean()), float(logarithms.std())] if len(logarithms) else [0.0, 1.0]
    categories = sorted({name for names in set(items.categories.tolist()) for name in names.split("|")})
    return {"categories": categories, "prices": prices, "text": items.texts.shape[1]}


def features_of(items: DescribedItems, spec: Mapping[str, Any]) -> np.ndarray:
    """The numbers (items, features)."""
    return content_features(items.categories, items.prices, items.texts, spec)
