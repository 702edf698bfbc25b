"""What is kept of a person's ranking: the ten that may be shown, and what campaigns carry of it beyond them."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.checked_yaml import read_yaml
from contracts.errors import SettingsError
from lake_tables.shown.catalogue import Catalogue
from lake_tables.shown.rules import Rules
from lake_tables.shown.showcase import Showcase

TOP = 10

_MOST_AT_FIRST = 640
"""Items of a ranking that is asked for the first time, where a category has few of all items."""

MOST_OF_A_CAMPAIGN = 3
"""So many items a campaign has that names no count; `activation/audiences/campaigns.py` says the same."""


@dataclass(frozen=True)
class Demand:
    """What all campaigns together carry of a person's ranking."""

    categories: Mapping[str, int] = field(default_factory=dict)
    """Category -> most items of it that a campaign carries which carries only this category."""
    most: int = TOP
    """Most items that a campaign carries which takes any category."""
    own: Mapping[str, tuple[str | None, int]] = field(default_factory=dict)
    """Campaign with rules of its own -> its category, if it has one, and how many items it carries."""


@dataclass(frozen=True)
class Asked:
    """A list that some campaigns carry, of which the ten may hold too little."""

    name: str
    """Of the category, or of the campaign."""
    showcase: Showcase
    wanted: int
    """Items that a campaign carries."""
    count: int
    """Of these as many as there are."""


@dataclass(frozen=True)
class Kept:
    """What is kept of one person's ranking."""

    items: list[str]
    """The best ten first."""
    scores: list[float]
    leaves: list[bool]
    """Whether a campaign can carry the item."""
    brought: list[bool]
    """Whether the ranking brought it, and not a rule."""
    passed: list[str]
    """Items that would be among them, if they could be had, or had another price; and those among which the list was
    re-ranked, whose end may change its order."""
    missed: int
    """So many of these among the best ten."""


@dataclass(frozen=True)
class Picks:
    """What is kept of the rankings of some people."""

    items: np.ndarray
    """Places in the catalogue, the best ten first, -1 behind the last (people, kept)."""
    scores: np.ndarray
    """(people, kept)."""
    leaves: np.ndarray
    """Whether a campaign can carry the item (people, kept)."""
    brought: np.ndarray
    """Whether the ranking brought it, and not a rule (people, kept)."""
    complete: np.ndarray
    """Whether the ranking was long enough for everything that is needed (people,)."""
    passed_people: np.ndarray
    """Who would have got an item that cannot be had, or not at that price (passed,)."""
    passed_items: np.ndarray
    """And which (passed,)."""
    passed_of_ten: int
    """So many of them are first of all missing among the best ten."""
    pool_people: np.ndarray
    """Whose ten were re-ranked among an item (pool,)."""
    pool_items: np.ndarray
    """And which (pool,)."""

    def lists(self, shelf: Shelf) -> list[Kept]:
        """The same, a person at a time and by the ids of items."""
        rows, ids = len(self.items), shelf.catalogue.item_ids
        people = np.concatenate([self.passed_people, self.pool_people])
        items = np.concatenate([self.passed_items, self.pool_items])
        order = np.argsort(people, kind="stable")
        passed = np.split(ids[items[order]], np.cumsum(np.bincount(people, minlength=rows))[:-1])
        missed = np.bincount(self.passed_people[: self.passed_of_ten], minlength=rows)
        counts = (self.items >= 0).sum(axis=1)
        return [
            Kept(
                ids[self.items[row, :count]].tolist(),
                self.scores[row, :count].tolist(),
                self.leaves[row, :count].tolist(),
                self.brought[row, :count].tolist(),
                sorted(set(passed[row])),
                int(missed[row]),
            )
            for row, count in enumerate(counts)
        ]


@dataclass
class Shelf:
    """What may be shown of the items; variants, which share a title, stand once in a list."""

    catalogue: Catalogue
    best: Showcase
    """Of the ten."""
    asked: tuple[Asked, ...]
    """Of what campaigns carry beyond them."""
    demand: Demand
    likely_length: int
    """A ranking of so many items holds for most people all that they get; one that is asked for again costs more."""
    passed_over: int = 0
    """Places among the best ten that went to others, as the item cannot be had, or not at that price."""
    people_passed_over: int = 0

    @classmethod
    def of(
        cls,
        items: pa.Table | pd.DataFrame | Catalogue,
        day: datetime.date,
        demand: Demand | None = None,
        rules: Rules | None = None,
        vectors: np.ndarray | None = None,
    ) -> Shelf:
        """The shelf of a catalogue on the day on which people see the lists.

        Nobody is ranked further for a category than it has items.

        Args:
            items: a catalogue, or what `Catalogue.of` makes one of.
            vectors: what `Showcase.of` says.
        """
        catalogue = items if isinstance(items, Catalogue) else Catalogue.of(items)
        demand, rules = demand or Demand(), rules or Rules()
        best = Showcase.of(catalogue, rules, day, vectors=vectors)
        asked = [
            (name, Showcase.of(catalogue, rules, day, category=name), count)
            for name, count in demand.categories.items()
        ]
        asked += [
            (name, Showcase.of(catalogue, rules, day, campaign=name, category=category), count)
            for name, (category, count) in demand.own.items()
        ]
        found, likely = [], best.length_for(TOP)
        for name, showcase, count in asked:
            showcase = showcase.as_ranked  # campaigns take them in that order
            there = len(np.unique(catalogue.titles[showcase.may]))
            found.append(Asked(name, showcase, count, min(count, there)))
            if there:
                twice = min(2 * found[-1].count * len(catalogue) // there, _MOST_AT_FIRST)
                likely = max(likely, TOP * 4, twice, showcase.length_for(count))
        return cls(catalogue, best, tuple(found), demand, likely)

    @property
    def showcases(self) -> list[Showcase]:
        return [self.best, *(one.showcase for one in self.asked)]

    @property
    def barred(self) -> int:
        """Items that the rules would let stand in the ten, and that cannot be had, or not at that price."""
        return int(self.best.barred.sum())

    def pick(
        self,
        ranked: np.ndarray,
        scores: np.ndarray,
        first: np.ndarray | None = None,
        seen: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> Picks:
        """What is kept of some rankings: the best ten, then what else campaigns carry, in the ranking's order.

        Args:
            ranked, scores, first, seen: what `Showcase.choose` says.
        """
        best = self.best.choose(ranked, scores, TOP, first=first, seen=seen)
        more = [
            one.showcase.choose(ranked, scores, one.count, first=first, seen=seen) for one in self.asked if one.count
        ]
        items = np.concatenate([best.items, *(one.items for one in more)], axis=1)  # (people, all lists)
        at = np.concatenate([best.at, *(one.at for one in more)], axis=1)
        number = np.arange(items.shape[1])
        leaves = np.broadcast_to((number < self.demand.most) | (number >= TOP), items.shape).copy()
        for column in range(TOP, items.shape[1]):
            again = items[:, :column] == items[:, column, None]
            leaves[:, :column] |= again
            items[again.any(axis=1), column] = -1
        order = np.where(number < TOP, number - TOP - 1, at)
        order = np.argsort(np.where(items >= 0, order, np.iinfo(np.int64).max), axis=1, kind="stable")
        items, at, leaves = (np.take_along_axis(values, order, axis=1) for values in (items, at, leaves))
        if ranked.shape[1]:
            known = np.take_along_axis(scores, np.maximum(at, 0), axis=1)
            known = np.where(at >= 0, known, np.where(ranked[:, :1] >= 0, scores[:, :1], 0.0))
        else:
            known = np.zeros(items.shape)
        return Picks(
            items,
            known,
            leaves,
            at >= 0,
            np.logical_and.reduce([one.complete for one in (best, *more)]),
            np.concatenate([one.passed_people for one in (best, *more)]),
            np.concatenate([one.passed_items for one in (best, *more)]),
            len(best.passed_people),
            best.pool_people,
            best.pool_items,
        )

    def count(self, kept: Iterable[Kept]) -> None:
        """Count what final lists passed over."""
        missed = [one.missed for one in kept]
        self.passed_over += sum(missed)
        self.people_passed_over += sum(number > 0 for number in missed)


def campaign_demand(folder: Path, with_rules: Collection[str] = ()) -> Demand:
    """What the campaigns of a folder carry at most.

    A campaign that cannot be read is none here; `activation.export` names it with its error.

    Args:
        with_rules: names of campaigns that have rules of their own.
    """
    categories: dict[str, int] = {}
    own: dict[str, tuple[str | None, int]] = {}
    most = 0
    files = sorted(folder.glob("*.yml"))
    for file in files:
        try:
            campaign = read_yaml(file, SettingsError).mapping()
            items = campaign["items"].mapping() if "items" in campaign else {}
            count = items["count"].whole_number(1, TOP) if "count" in items else MOST_OF_A_CAMPAIGN
            if "explore" in campaign:  # its places are drawn from the best ten
                count = TOP
            category = items["category"].text() if "category" in items else None
            if file.stem in with_rules:
                own[file.stem] = (category, count)
            elif category is not None:
                categories[category] = max(count, categories.get(category, 0))
            else:
                most = max(most, count)
        except SettingsError:
            continue
    return Demand(categories, most if files else TOP, own)
