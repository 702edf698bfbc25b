"""What the catalogue says of items, as arrays: by this an item has a place before anyone has acted on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from contracts.lake import Lake
from contracts.tables.marts import ITEM
from contracts.tables.served import ITEM_VECTORS
from contracts.tables.vocabulary import TEXT_VECTOR
from lake_tables.arrow import read_table, vector_batches


@dataclass(frozen=True)
class DescribedItems:
    """Some items and what is known of them."""

    item_ids: np.ndarray
    """(items,)"""
    categories: np.ndarray
    """Name of the category, or names parted by |; `unknown` for an item that the catalogue does not know (items,)."""
    prices: np.ndarray
    """Euros, not a number where none is known (items,)."""
    texts: np.ndarray
    """Vector of the title, of length 1, zeros where there is none; without the table of them no numbers
    (items, numbers)."""

    @classmethod
    def of(cls, lake: Lake, ds: str) -> DescribedItems | None:
        """The items of a day's catalogue; None where the marts of that day were not built."""
        folder = lake.partition(ITEM.name, ds)
        if not folder.is_dir():
            return None
        vectors = lake.partition(ITEM_VECTORS.name, ds)
        return cls.read(folder, vectors if vectors.is_dir() else None)

    @classmethod
    def read(cls, catalogue: Path, vectors: Path | None = None) -> DescribedItems:
        """The items of a folder of `dim_item`, with vectors of a folder of `item_vectors`."""
        rows = read_table(catalogue, ["item_id", "category"], optional=["price"]).to_pandas()
        rows = rows.drop_duplicates("item_id")
        ids = rows["item_id"].to_numpy(object)
        prices = rows["price"].to_numpy(float) if "price" in rows else np.full(len(rows), np.nan)
        categories = rows["category"].fillna("unknown").to_numpy(object)
        return cls(ids, categories, prices, _texts(vectors, ids))

    def take(self, item_ids: Sequence[str] | np.ndarray) -> DescribedItems:
        """These items, in this order; of one that is not there nothing is known."""
        places = pd.Index(self.item_ids).get_indexer(pd.Index(item_ids, dtype=object))  # -1, the last, for unknown ones
        unknown = [np.array(["unknown"], object), np.array([np.nan]), np.zeros((1, self.texts.shape[1]), "float32")]
        known = (self.categories, self.prices, self.texts)
        found = (np.concatenate(both)[places] for both in zip(known, unknown, strict=True))
        return DescribedItems(np.asarray(item_ids, object), *found)


def _texts(folder: Path | None, item_ids: np.ndarray) -> np.ndarray:
    if folder is None:
        return np.zeros((len(item_ids), 0), "float32")
    places, found = pd.Index(item_ids), np.zeros((len(item_ids), 0), "float32")
    for ids, vectors in vector_batches(folder, "item_id", TEXT_VECTOR.name):
        if not found.shape[1]:
            found = np.zeros((len(item_ids), vectors.shape[1]), "float32")
        rows = places.get_indexer(ids)
        found[rows[rows >= 0]] = vectors[rows >= 0]
    return found
