"""What may be recommended, and how much of it: chosen from a ranking before it is cut."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from contracts.checked_yaml import read_yaml
from contracts.errors import SettingsError

TOP = 10

_MOST_AT_FIRST = 640
"""Items of a ranking that is asked for the first time, where a category has few of all items."""

MOST_OF_A_CAMPAIGN = 3
"""So many items a campaign has that names no count; `activation/audiences/campaigns.py` says the same."""


@dataclass(frozen=True)
class Choice:
    """What is kept of one person's ranking."""

    places: list[int]
    """In the ranking, best first."""
    complete: bool
    """Whether the ranking was long enough for everything that is needed."""
    ended: int
    """Items that were passed over among the best ten, as they have ended."""


@dataclass(frozen=True)
class Demand:
    """What all campaigns together carry of a person's ranking."""

    categories: Mapping[str, int] = field(default_factory=dict)
    """Category -> most items of it that a campaign carries which carries only this category."""
    most: int = TOP
    """Most items that a campaign carries which takes any category."""


@dataclass
class Shelf:
    """The items, without those that ended; variants, which share a title, stand once in a list."""

    categories: Mapping[str, int] = field(default_factory=dict)
    """Category -> items of it that each person gets in addition, for the campaigns that carry only this category."""
    carried: int = TOP
    """Of the best ten so many can leave the house: no campaign that carries any category takes more."""
    ended: frozenset[str] = frozenset()
    """Items that the catalogue calls unavailable."""
    titles: Mapping[str, str] = field(default_factory=dict)
    category_of: Mapping[str, str] = field(default_factory=dict)
    likely_length: int = TOP
    """A ranking of so many items holds for most people all that they get; one that is asked for again costs more."""
    passed_over: int = 0
    """Places among the best ten that went to others, as the item had ended."""
    people_passed_over: int = 0

    @classmethod
    def of(cls, items: pd.DataFrame, demand: Demand | None = None) -> Shelf:
        """The shelf of a catalogue: item_id, title, and where they are known category and available.

        Nobody is ranked further for a category than it has items.
        """
        ids, demand = items["item_id"], demand or Demand()
        ended = items["available"].eq(False) if "available" in items else pd.Series(False, index=items.index)
        categories, twice = {name: count for name, count in demand.categories.items() if count}, 0
        if "category" in items:
            there = items[~ended].groupby("category")["title" if "title" in items else "item_id"].nunique()
            categories = {name: min(count, int(there[name])) for name, count in categories.items() if name in there}
            twice = max((2 * count * len(ids) // int(there[name]) for name, count in categories.items()), default=0)
        likely = max(TOP * 4, min(twice, _MOST_AT_FIRST)) if categories or ended.any() else TOP
        return cls(
            categories=categories,
            carried=demand.most,
            ended=frozenset(ids[ended]),
            likely_length=likely,
            titles=dict(zip(ids, items["title"], strict=True)) if "title" in items else {},
            category_of=dict(zip(ids, items["category"], strict=True)) if "category" in items else {},
        )

    def choose(self, ranking: Iterable[str]) -> Choice:
        """What is kept of a person's ranking: the best ten, then what categories need beyond them."""
        best: list[int] = []
        more: list[int] = []
        missing = {name: count for name, count in self.categories.items() if count > 0}
        seen: set[str] = set()
        ended = 0
        for place, item in enumerate(ranking):
            if item in self.ended:
                ended += len(best) < TOP
                continue
            title = self.titles.get(item, item)
            if title in seen:
                continue
            category = self.category_of.get(item)
            needed = category in missing
            if len(best) < TOP:
                best.append(place)
            elif needed:
                more.append(place)
            else:
                continue
            seen.add(title)
            if needed:
                missing[category] -= 1
                if missing[category] == 0:
                    del missing[category]
            if len(best) == TOP and not missing:
                break
        return Choice(best + more, complete=len(best) == TOP and not missing, ended=ended)

    def can_leave(self, items: Sequence[str]) -> list[bool]:
        """Whether a campaign can carry each of the items that were kept of a person's ranking."""
        left = dict(self.categories)
        found = []
        for place, item in enumerate(items):
            category = self.category_of.get(item)
            of_category = left.get(category, 0) > 0
            if of_category:
                left[category] -= 1
            found.append(place < self.carried or of_category)
        return found

    def count(self, choice: Choice) -> None:
        """Count what a final choice passed over."""
        self.passed_over += choice.ended
        self.people_passed_over += choice.ended > 0


def campaign_demand(folder: Path) -> Demand:
    """What the campaigns of a folder carry at most.

    A campaign that cannot be read is none here; `activation.export` names it with its error.
    """
    categories: dict[str, int] = {}
    most = 0
    files = sorted(folder.glob("*.yml"))
    for file in files:
        try:
            campaign = read_yaml(file, SettingsError).mapping()
            items = campaign["items"].mapping() if "items" in campaign else {}
            count = items["count"].whole_number(1, TOP) if "count" in items else MOST_OF_A_CAMPAIGN
            if "explore" in campaign:  # its places are drawn from the best ten
                count = TOP
            if "category" in items:
                category = items["category"].text()
                categories[category] = max(count, categories.get(category, 0))
            else:
                most = max(most, count)
        except SettingsError:
            continue
    return Demand(categories, most if files else TOP)
