"""The items of a day as arrays, one place an item: what a list is chosen by."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from contracts.lake import Lake
from contracts.tables.marts import ITEM

if TYPE_CHECKING:  # the online API, which has the arrays alone, needs no table
    import pandas as pd
    import pyarrow as pa

STOCK = ("available", "in_stock", "available_from", "available_until")
"""Columns of `dim_item` that say when an item can be had."""

DESCRIBED = ("category", "price", "brand", "margin", "interactions", *STOCK)
"""The columns of `dim_item` that are read where the release that built it knew them, beside id and title."""


def morning_after(ds: str) -> datetime.date:
    """The day on which people see what a night has made."""
    return datetime.date.fromisoformat(ds) + datetime.timedelta(days=1)


@dataclass(frozen=True)
class Catalogue:
    """All items of a day; an item's place in the arrays stands for it."""

    item_ids: np.ndarray
    """(items,)."""
    titles: np.ndarray
    """Number of the title: items that share one are variants, of which a list has one (items,)."""
    categories: np.ndarray
    """Number of the category, -1 for none (items,)."""
    category_names: tuple[str, ...]
    brands: np.ndarray
    """Number of the brand, -1 for none (items,)."""
    brand_names: tuple[str, ...]
    prices: np.ndarray
    """Euros, not a number where none is known (items,)."""
    margins: np.ndarray
    """Share of the price, not a number where none is known (items,)."""
    interactions: np.ndarray
    """People who acted on it (items,)."""
    sold: np.ndarray
    """False where the catalogue calls it unavailable or sold out (items,)."""
    first_days: np.ndarray
    """First day on which it can be had, in days; no time where any day is (items,)."""
    last_days: np.ndarray
    """Last day on which it can be had, in days; no time without an end (items,)."""

    @classmethod
    def read(cls, lake: Lake, ds: str) -> Catalogue:
        """The catalogue of a day, as far as the release that built the mart knew it.

        Raises:
            LakeError: the marts of that day were not built.
        """
        from lake_tables.arrow import read_mart

        return cls.of(read_mart(lake, ITEM.name, ds, ["item_id", "title"], optional=DESCRIBED))

    @classmethod
    def of(cls, items: pa.Table | pd.DataFrame) -> Catalogue:
        """The catalogue of rows: item_id, and of the columns of `dim_item` those that are known."""
        import pandas as pd
        import pyarrow as pa

        if isinstance(items, pd.DataFrame):
            known = [name for name in ("item_id", "title", *DESCRIBED) if name in items]
            items = pa.Table.from_pandas(items[known], preserve_index=False)
        count = len(items)

        def column(name: str, missing: pa.Scalar) -> pa.ChunkedArray:
            return items[name] if name in items.column_names else pa.chunked_array([pa.repeat(missing, count)])

        def numbers(name: str) -> np.ndarray:
            return np.asarray(column(name, pa.scalar(None, pa.float64())).cast(pa.float64()).to_numpy(), float)

        def days(name: str) -> np.ndarray:
            return column(name, pa.scalar(None, pa.date32())).cast(pa.date32()).to_numpy().astype("datetime64[D]")

        def said_no(name: str) -> np.ndarray:
            return ~column(name, pa.scalar(None, pa.bool_())).cast(pa.bool_()).fill_null(True).to_numpy()

        ids = items["item_id"].to_numpy()
        titles, _ = pd.factorize(items["title"].to_numpy() if "title" in items.column_names else ids)
        (categories, category_names), (brands, brand_names) = (
            pd.factorize(column(name, pa.scalar(None, pa.string())).to_numpy()) for name in ("category", "brand")
        )
        return cls(
            item_ids=ids,
            titles=titles,
            categories=categories,
            category_names=tuple(category_names),
            brands=brands,
            brand_names=tuple(brand_names),
            prices=numbers("price"),
            margins=numbers("margin"),
            interactions=np.nan_to_num(numbers("interactions")),
            sold=~(said_no("available") | said_no("in_stock")),
            first_days=days("available_from"),
            last_days=days("available_until"),
        )

    def __len__(self) -> int:
        return len(self.item_ids)

    @cached_property
    def _places(self) -> pd.Index:
        import pandas as pd

        return pd.Index(self.item_ids, dtype=object)

    @cached_property
    def has_variants(self) -> bool:
        """Whether two items share a title."""
        return bool(self.titles.max(initial=-1) + 1 < len(self))

    @cached_property
    def usual_margins(self) -> np.ndarray:
        """Margins, the mean of all where one is not known (items,)."""
        known = self.margins[~np.isnan(self.margins)]
        return np.nan_to_num(self.margins, nan=known.mean() if len(known) else 0.0)

    def places(self, item_ids: Sequence[str] | np.ndarray) -> np.ndarray:
        """Places of items, -1 for one that the catalogue does not know (ids,)."""
        import pandas as pd

        return self._places.get_indexer(pd.Index(item_ids, dtype=object))

    def mask(self, places: Iterable[int] | np.ndarray) -> np.ndarray:
        """True at some places; -1 is none (items,)."""
        places = np.asarray(list(places) if not isinstance(places, np.ndarray) else places, int)
        found = np.zeros(len(self), bool)
        found[places[places >= 0]] = True
        return found

    def of_category(self, name: str) -> np.ndarray:
        """True for the items of a category (items,)."""
        return _named(self.categories, self.category_names, name)

    def of_brand(self, name: str) -> np.ndarray:
        """True for the items of a brand (items,)."""
        return _named(self.brands, self.brand_names, name)

    def available_on(self, day: datetime.date) -> np.ndarray:
        """True for the items that can be had on a day: in stock, begun and not ended (items,)."""
        now = np.datetime64(day, "D")
        with np.errstate(invalid="ignore"):
            return self.sold & ~(self.first_days > now) & ~(self.last_days < now)


def _named(numbers: np.ndarray, names: tuple[str, ...], name: str) -> np.ndarray:
    return numbers == names.index(name) if name in names else np.zeros(len(numbers), bool)
