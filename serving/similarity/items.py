"""The items of a night, and which of them may be named as similar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Items:
    """Every item once, the one that most people acted on first, of equals by id: of equal scores the earlier wins."""

    ids: pa.Array
    """(items,)"""
    titles: pa.Array
    """(items,)"""
    categories: np.ndarray
    """Code of each item's category (items,), int32; -1 for the unknown."""
    prices: np.ndarray
    """Euros (items,); not a number where none is known."""
    variant_of: np.ndarray
    """Code of each item's title (items,), int32: items of one title are variants of one thing."""
    candidates: np.ndarray
    """Places of those that may be named: what may be shown, and of each title the first (candidates,)."""

    @classmethod
    def of(cls, catalogue: pa.Table) -> Items:
        """The items of the mart `dim_item`.

        Args:
            catalogue: item_id, title, category, price, interactions, and `available` where it is known.
        """
        order = pc.sort_indices(catalogue, sort_keys=[("interactions", "descending"), ("item_id", "ascending")])
        rows = catalogue.take(order).combine_chunks()
        there = np.full(len(rows), True)
        if "available" in rows.column_names:
            there = rows["available"].to_numpy().astype(bool)
        variant_of = _codes(rows["title"])
        places = np.flatnonzero(there)
        _, first = np.unique(variant_of[places], return_index=True)
        unknown = pc.equal(rows["category"], "unknown").to_numpy(zero_copy_only=False)
        prices = pc.fill_null(rows["price"].cast(pa.float64()), float("nan")).to_numpy()
        return cls(
            ids=_whole(rows["item_id"]),
            titles=_whole(rows["title"]),
            categories=np.where(unknown, -1, _codes(rows["category"])).astype("int32"),
            prices=np.where(prices > 0, prices, np.nan),
            variant_of=variant_of,
            candidates=places[np.sort(first)],
        )

    def __len__(self) -> int:
        return len(self.ids)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    encoded = pc.dictionary_encode(_whole(column))
    return encoded.indices.to_numpy(zero_copy_only=False).astype("int32")
