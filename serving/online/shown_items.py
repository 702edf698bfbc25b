"""What may be shown of a store's items, day by day: the arrays of `lake_tables/shown`, item by item in their codes.

What the rules say is resolved when the store is built; only the day is left open, as items begin and end while a store
answers.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lake_tables.shown.catalogue import Catalogue
from lake_tables.shown.rules import Diversity, NewItems
from lake_tables.shown.showcase import Showcase

_ARRAYS = ("titles", "categories", "brands", "prices", "margins", "interactions", "sold", "first_days", "last_days")
_MOST_KEPT = 256
"""Showcases that are kept, one a day and category that is asked for."""


@dataclass
class ShownItems:
    """What may be shown; item code n is in place n - 1."""

    everywhere: Showcase
    """Without a day: `may` is what stock and rules let pass if the day does."""
    _kept: dict[tuple[datetime.date, str | None], Showcase] = field(default_factory=dict)

    def on(self, day: datetime.date, category: str | None = None) -> Showcase:
        """What may stand in a list on a day, or in one of a single category, of which there may be any number."""
        kept = self._kept.get((day, category))
        if kept is None:
            catalogue, made = self.everywhere.catalogue, self.everywhere
            if category is not None:
                of_category = catalogue.of_category(category)
                made = replace(made, could=made.could & of_category, may=made.may & of_category, most_of_category=None)
                made = replace(made, pinned=made.pinned[made.could[made.pinned]])
            kept = replace(made, may=made.may & catalogue.available_on(day))
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[day, category] = kept
        return kept

    def save(self, file: Path) -> None:
        """Write what `load` reads."""
        showcase, catalogue = self.everywhere, self.everywhere.catalogue
        rules = {
            "pinned_categories": showcase.pinned_categories,
            "most_of_category": showcase.most_of_category,
            "most_of_brand": showcase.most_of_brand,
            "diversity": showcase.diversity.weight if showcase.diversity else None,
            "margin_weight": showcase.margin_weight,
            "new_items": (showcase.new_items.share, showcase.new_items.below) if showcase.new_items else None,
            "category_names": catalogue.category_names,
            "brand_names": catalogue.brand_names,
        }
        np.savez(
            file,
            rules=np.frombuffer(json.dumps(rules).encode(), np.uint8),
            could=showcase.could,
            may=showcase.may,
            pinned=showcase.pinned,
            **{name: getattr(catalogue, name) for name in _ARRAYS},
        )

    @classmethod
    def load(cls, file: Path) -> ShownItems:
        """Read a file that was saved.

        Raises:
            ValueError, KeyError, OSError: it is none.
        """
        with np.load(file, allow_pickle=False) as found:
            rules = json.loads(found["rules"].tobytes())
            catalogue = Catalogue(
                item_ids=np.arange(1, len(found["may"]) + 1),
                category_names=tuple(rules["category_names"]),
                brand_names=tuple(rules["brand_names"]),
                **{name: found[name] for name in _ARRAYS},
            )
            return cls(
                Showcase(
                    catalogue,
                    could=found["could"],
                    may=found["may"],
                    pinned=found["pinned"],
                    pinned_categories=tuple((category, places) for category, places in rules["pinned_categories"]),
                    most_of_category=rules["most_of_category"],
                    most_of_brand=rules["most_of_brand"],
                    diversity=None if rules["diversity"] is None else Diversity(rules["diversity"]),
                    margin_weight=rules["margin_weight"],
                    new_items=NewItems(*rules["new_items"]) if rules["new_items"] else None,
                )
            )
