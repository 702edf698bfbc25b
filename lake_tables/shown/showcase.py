"""One kind of list, made of rankings: what may stand in it, in which order, and how much of a kind.

All of it works on arrays, many people at a time. Items are places in a `Catalogue`, -1 is none.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from lake_tables.shown.catalogue import Catalogue
from lake_tables.shown.rules import VECTORS, Diversity, NewItems, Rules

AMONG = 50
"""Where lists are re-ranked, by diversity or margin, they are chosen from so many of a person's best."""

MOST_LOOKED_AT = 500
"""A new item is looked for among so many of a person's best: where it is not, its place goes to the ranking's next."""

_POOLS_FIRST = 4
"""Lists are looked for among so many times their length at first, and among the whole ranking where that is too few."""


@dataclass(frozen=True)
class Chosen:
    """The lists of some people."""

    items: np.ndarray
    """Best first, -1 where there are no more (people, count)."""
    at: np.ndarray
    """The place of each in the ranking, -1 where it is pinned, or to buy again, and not from there (people, count)."""
    complete: np.ndarray
    """Whether a longer ranking would give the same list (people,)."""
    passed_people: np.ndarray
    """Who would have been shown an item that cannot be had or costs too much or too little now (passed,)."""
    passed_items: np.ndarray
    """And which; when it may be shown again, these people's lists change (passed,)."""
    pool_people: np.ndarray
    """Whose list was re-ranked among an item: its order may be another when that may not be shown any more (pool,)."""
    pool_items: np.ndarray
    """And which, also those of the list (pool,)."""


@dataclass(frozen=True)
class Showcase:
    """What a list may hold, on one day."""

    catalogue: Catalogue
    could: np.ndarray
    """Whether the rules let an item stand in it, if it can be had at the right price (items,)."""
    may: np.ndarray
    """Whether it may stand in it on that day (items,)."""
    pinned: np.ndarray
    """They stand first, whoever has not acted on them (pins,)."""
    pinned_categories: tuple[tuple[int, int], ...] = ()
    """Number of a category, and how many places behind the pinned items its best ones take."""
    most_of_category: int | None = None
    most_of_brand: int | None = None
    diversity: Diversity | None = None
    margin_weight: float = 0.0
    new_items: NewItems | None = None
    vectors: np.ndarray | None = field(default=None, repr=False)
    """Of length 1, zeros where an item has none (items, dimensions); for a diversity by vectors."""

    @classmethod
    def of(
        cls,
        catalogue: Catalogue,
        rules: Rules,
        day: datetime.date | None,
        *,
        campaign: str | None = None,
        category: str | None = None,
        vectors: np.ndarray | None = None,
    ) -> Showcase:
        """What may be shown on a day: everywhere, or in a campaign.

        Args:
            day: on which people see it; of what a night makes, `morning_after` it. None leaves open when an item can be
                had, and looks at the stock alone.
            campaign: one whose own rules hold too.
            category: the only one that the list carries; how many of a category it may have does not matter then.
            vectors: of the model that ranks (items, dimensions); without them a diversity by vectors is one by labels.
        """
        here = rules.everywhere if campaign is None else rules.of_campaign(campaign)
        could = ~here.excluded.among(catalogue)
        if category is not None:
            could &= catalogue.of_category(category)
        may = could & (catalogue.sold if day is None else catalogue.available_on(day))
        with np.errstate(invalid="ignore"):  # an item without a price is neither too dear nor too cheap
            if here.least_price is not None:
                may &= ~(catalogue.prices < here.least_price)
            if here.most_price is not None:
                may &= ~(catalogue.prices > here.most_price)
        pinned = catalogue.places(here.pinned_items) if here.pinned_items else np.empty(0, int)
        pinned = pinned[pinned >= 0]
        return cls(
            catalogue,
            could,
            may,
            pinned=pinned[could[pinned]],
            pinned_categories=tuple(
                (catalogue.category_names.index(name), places)
                for name, places in here.pinned_categories.items()
                if name in catalogue.category_names
            ),
            most_of_category=None if category is not None else here.most_of_category,
            most_of_brand=here.most_of_brand,
            diversity=rules.diversity,
            margin_weight=rules.margin_weight,
            new_items=rules.new_items,
            vectors=vectors,
        )

    @property
    def reranks(self) -> bool:
        """Whether a list is in another order than its ranking."""
        return self.diversity is not None or self.margin_weight > 0.0

    @cached_property
    def barred(self) -> np.ndarray:
        """Items that the rules would let stand in it, and that cannot be had, or not at that price (items,)."""
        return self.could & ~self.may

    @cached_property
    def bars(self) -> bool:
        return bool(self.barred.any())

    @cached_property
    def new(self) -> np.ndarray:
        """New items that may stand in it (items,)."""
        if self.new_items is None:
            return np.zeros(len(self.catalogue), bool)
        return self.may & self.new_items.among(self.catalogue)

    @cached_property
    def as_ranked(self) -> Showcase:
        """The same in the order of rankings, whatever diversity, margin and new items ask for."""
        return replace(self, diversity=None, margin_weight=0.0, new_items=None)

    def length_for(self, count: int) -> int:
        """How long a ranking should be for a list of so many; one of another length is as right, and slower."""
        if self.new.any():
            usual = 2 * self.new_items.places(count) * len(self.catalogue) // int(self.new.sum())
            return max(replace(self, new_items=None).length_for(count), min(usual, MOST_LOOKED_AT))
        if self.reranks:
            return max(AMONG, _POOLS_FIRST * count)
        strict = self.most_of_category or self.most_of_brand or self.pinned_categories or not self.could.all()
        return _POOLS_FIRST * count if strict or not self.may.all() else count

    def choose(
        self,
        ranked: np.ndarray,
        scores: np.ndarray | None = None,
        count: int = 10,
        *,
        first: np.ndarray | None = None,
        seen: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> Chosen:
        """Lists of rankings.

        Args:
            ranked: items, best first, -1 where there is none or it is not known (people, length).
            scores: of these items, by which diversity and margin weigh them; by default by their places.
            count: length of a list.
            first: items that stand behind the pinned ones and before all others, as those to buy again, -1 for none
                (people, some).
            seen: people (as rows of `ranked`) and the items that they have acted on, which are not pinned for them;
                of equal length. Rankings do not hold them anyway.
        """
        made = _Lists.begin(self, ranked, count)
        self._place_fixed(made, first, seen)
        for category, most in self.pinned_categories:
            of_category = self.catalogue.categories[ranked] == category
            self._fill(made, None, made.may & of_category, most, reranks=False)
        places = self.new_items.places(count) if self.new.any() else 0
        self._fill(made, scores, made.may, count - places, reranks=self.reranks, until=count - places)
        if places:
            self._place_new(made, places)
            self._fill(made, scores, made.may, count, reranks=self.reranks)
        people, columns = np.nonzero(made.may & (np.arange(made.may.shape[1]) < made.looked_at[:, None]))
        pools = people, made.ranked[people, columns]
        return Chosen(made.items, made.at, made.complete, *self._passed(made, first), *pools)

    def in_order(self, listed: np.ndarray, count: int) -> Chosen:
        """Lists of what was chosen of rankings before, for everywhere or for this kind of list: in the same order, but
        for what this kind of list has pinned, of what is there.

        Args:
            listed: items, best first, -1 where there is none or it is not known (people, length).
            count: length of a list.
        """
        made = _Lists.begin(self, listed, count)
        for pin in self.pinned[self.may[self.pinned]]:
            there = listed == pin
            columns = there.argmax(axis=1) if listed.shape[1] else np.empty(0, int)
            allowed = there.any(axis=1) & made.allows(np.full((len(listed), 1), pin))[:, 0]
            made.put(np.flatnonzero(allowed), np.full(len(listed), pin), at=columns)
        for category, most in self.pinned_categories:
            of_category = self.catalogue.categories[listed] == category
            self._fill(made, None, made.may & of_category, most, reranks=False)
        self._fill(made, None, made.may, count, reranks=False)
        return Chosen(made.items, made.at, made.complete, *[np.empty(0, int)] * 4)

    def _place_fixed(self, made: _Lists, first: np.ndarray | None, seen: tuple[np.ndarray, np.ndarray] | None) -> None:
        people = len(made.items)
        columns = [np.full(people, pin) for pin in self.pinned if self.may[pin]]
        if seen is not None:
            for pin in columns:
                pin[seen[0][seen[1] == pin[:1]]] = -1
        if first is not None:
            columns += list(np.where(self.may[first] & (first >= 0), first, -1).T)
        for items in columns:
            made.put(np.flatnonzero(made.allows(items[:, None])[:, 0]), items)

    def _place_new(self, made: _Lists, places: int) -> None:
        """Give every list so many of its ranking's best new items, as far as it has them."""
        complete, before = made.complete.copy(), made.filled.copy()
        self._fill(made, None, made.may & self.new[made.ranked], places, reranks=False)
        made.complete = complete  # a longer ranking might hold some, and is not worth its cost
        number = np.arange(made.items.shape[1])
        made.apart |= (number >= before[:, None]) & (number < made.filled[:, None])

    def _fill(
        self,
        made: _Lists,
        scores: np.ndarray | None,
        candidates: np.ndarray,
        most: int,
        *,
        reranks: bool,
        until: int | None = None,
    ) -> None:
        """Give every list up to `most` more of the candidates (people, length), until it has so many."""
        count = made.items.shape[1] if until is None else until
        most = min(most, count)
        if not (reranks or made.limited or made.filled.any()):
            made.take(_first_of(candidates, most), most)
            return
        pool, length = AMONG if reranks else _POOLS_FIRST * count, candidates.shape[1]
        rest, missing = np.arange(len(candidates)), np.clip(count - made.filled, 0, most)
        while len(rest):
            columns = _first_of(candidates[rest], pool)
            if reranks:
                made.complete[rest] &= (columns >= 0).sum(axis=1) == pool
                made.looked_at[rest] = np.maximum(made.looked_at[rest], columns.max(axis=1, initial=-1) + 1)
            before = made.filled[rest]
            self._fill_from(made, scores, rest, columns, missing[rest], reranks=reranks)
            missing[rest] -= made.filled[rest] - before
            if pool >= length:
                break
            rest = rest[(missing[rest] > 0) & (candidates[rest].sum(axis=1) > pool)]
            pool = length
        made.complete &= missing <= 0

    def _fill_from(
        self,
        made: _Lists,
        scores: np.ndarray | None,
        people: np.ndarray,
        columns: np.ndarray,
        missing: np.ndarray,
        *,
        reranks: bool,
    ) -> None:
        """Give some lists up to `missing` more, from a pool.

        Args:
            people: rows of the lists (people,).
            columns: places in their rankings, -1 behind the last (people, pool).
        """
        if not columns.shape[1]:
            return
        items = np.where(columns >= 0, np.take_along_axis(made.ranked[people], np.maximum(columns, 0), axis=1), -1)
        worth = self._worth(scores, people, columns, items) if reranks else None
        similar = self._similar_to_list(made, people, items) if reranks and self.diversity else None
        for turn in range(int(missing.max(initial=0))):
            open_ = made.allows(items, people) & (missing > turn)[:, None]
            if worth is None:
                picks = open_.argmax(axis=1)
            else:
                value = worth if similar is None else worth - self.diversity.weight * similar
                picks = np.where(open_, value, -np.inf).argmax(axis=1)
            rows = np.arange(len(people))
            there = np.flatnonzero(open_[rows, picks])
            if not len(there):
                break
            picked = items[rows, picks]
            made.put(people[there], picked, rows=there, at=columns[rows, picks])
            if similar is not None:
                similar[there] = np.maximum(similar[there], self._similarity(items[there], picked[there]))

    def _worth(
        self, scores: np.ndarray | None, people: np.ndarray, columns: np.ndarray, items: np.ndarray
    ) -> np.ndarray:
        """What the items of a pool are worth before their likeness counts (people, pool)."""
        there = columns >= 0
        if scores is None:
            relevance = -columns.astype(float)
        else:
            relevance = np.take_along_axis(scores[people], np.maximum(columns, 0), axis=1).astype(float)
        low = np.where(there, relevance, np.inf).min(axis=1, keepdims=True, initial=np.inf)
        high = np.where(there, relevance, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
        with np.errstate(invalid="ignore", divide="ignore"):
            relevance = np.where(high > low, (relevance - low) / (high - low), 1.0)
        relevance = np.where(there, relevance, 0.0)
        if self.margin_weight:
            margins = self.catalogue.usual_margins[items]  # where there is no item, whatever: it is not chosen
            relevance = (1.0 - self.margin_weight) * relevance + self.margin_weight * margins
        return relevance if self.diversity is None else (1.0 - self.diversity.weight) * relevance

    def _similar_to_list(self, made: _Lists, people: np.ndarray, items: np.ndarray) -> np.ndarray:
        """The highest similarity of each item to what is in the list already (people, pool)."""
        similar = np.zeros(items.shape)
        for place in range(int(made.filled[people].max(initial=0))):
            listed = made.items[people, place]
            similar = np.maximum(similar, np.where((listed >= 0)[:, None], self._similarity(items, listed), 0.0))
        return similar

    def _similarity(self, items: np.ndarray, listed: np.ndarray) -> np.ndarray:
        """Similarity of items (people, pool) to one of each list (people,), at most 1."""
        if self.vectors is not None and self.diversity.by == VECTORS:
            return np.einsum("npd,nd->np", self.vectors[items], self.vectors[listed])
        labels = [self.catalogue.categories]
        if self.catalogue.brand_names:
            labels.append(self.catalogue.brands)
        same = [(label[items] == label[listed][:, None]) & (label[items] >= 0) for label in labels]
        return sum(same) / len(labels)

    def _passed(self, made: _Lists, first: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        if not self.bars:
            return np.empty(0, int), np.empty(0, int)
        barred = self.barred
        last = np.maximum(np.where(made.apart, -1, made.at).max(axis=1, initial=-1) + 1, made.looked_at)
        last[(made.items < 0).any(axis=1)] = made.ranked.shape[1]
        passed = barred[made.ranked] & (made.ranked >= 0) & (np.arange(made.ranked.shape[1]) < last[:, None])
        people, columns = np.nonzero(passed)
        found = [(people, made.ranked[people, columns])]
        for pin in self.pinned[barred[self.pinned]]:
            found.append((np.arange(len(last)), np.full(len(last), pin)))
        if first is not None:
            people, columns = np.nonzero(barred[first] & (first >= 0))
            found.append((people, first[people, columns]))
        return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


@dataclass
class _Lists:
    """Lists while they are filled."""

    showcase: Showcase
    ranked: np.ndarray
    may: np.ndarray
    """Of each item of the ranking (people, length)."""
    items: np.ndarray
    at: np.ndarray
    filled: np.ndarray
    """Places taken (people,)."""
    complete: np.ndarray
    looked_at: np.ndarray
    """How far a ranking was looked at, where that is further than the last item of the list (people,)."""
    apart: np.ndarray
    """Places that new items have got, from further down the ranking (people, count)."""
    limited: bool
    """Whether an item may be kept out by what stands in the list: a variant of it, or too many of its kind."""

    @classmethod
    def begin(cls, showcase: Showcase, ranked: np.ndarray, count: int) -> _Lists:
        people = len(ranked)
        if not len(showcase.catalogue):
            ranked = ranked[:, :0]
        return cls(
            showcase,
            ranked,
            showcase.may[ranked] & (ranked >= 0),
            np.full((people, count), -1),
            np.full((people, count), -1),
            np.zeros(people, int),
            np.ones(people, bool),
            np.zeros(people, int),
            np.zeros((people, count), bool),
            limited=bool(showcase.catalogue.has_variants or showcase.most_of_category or showcase.most_of_brand),
        )

    def take(self, columns: np.ndarray, most: int) -> None:
        """Fill lists that are empty with up to `most` places of their rankings, -1 behind the last (people, some)."""
        there = columns >= 0
        taken = np.take_along_axis(self.ranked, np.maximum(columns, 0), axis=1)
        self.items[:, : columns.shape[1]] = np.where(there, taken, -1)
        self.at[:, : columns.shape[1]] = columns
        self.filled += there.sum(axis=1)
        self.complete &= there.sum(axis=1) == most

    def put(self, people: np.ndarray, items: np.ndarray, rows: np.ndarray | None = None, at: np.ndarray | None = None):
        """Append an item to some lists.

        Args:
            people: rows of the lists (some,).
            items: one for each row of the caller (rows,), of which `rows` names those of `people`, by default all.
            at: their places in the rankings (rows,); by default none.
        """
        rows = people if rows is None else rows
        places = self.filled[people]
        self.items[people, places] = items[rows]
        if at is not None:
            self.at[people, places] = at[rows]
        self.filled[people] += 1

    def allows(self, items: np.ndarray, people: np.ndarray | None = None) -> np.ndarray:
        """Whether each item (people, some) may be the next of its list."""
        listed = self.items if people is None else self.items[people]
        filled = self.filled if people is None else self.filled[people]
        showcase, catalogue = self.showcase, self.showcase.catalogue
        allowed = (items >= 0) & (filled < listed.shape[1])[:, None]
        limits = ((catalogue.titles, 1), (catalogue.categories, showcase.most_of_category))
        for labels, most in (*limits, (catalogue.brands, showcase.most_of_brand)):
            if most is None:
                continue
            own, there = labels[items], np.where(listed >= 0, labels[listed], -2)
            so_far = np.zeros(items.shape, np.int8)
            for place in range(int(filled.max(initial=0))):
                so_far += own == there[:, place, None]
            allowed &= (so_far < most) | (own < 0)
        return allowed


def _first_of(mask: np.ndarray, most: int) -> np.ndarray:
    """Columns of the first so many true ones of each row, -1 behind the last (rows, up to `most`)."""
    most = min(most, mask.shape[1])
    number = mask.cumsum(axis=1, dtype=np.int32)
    rows, columns = np.nonzero(mask & (number <= most))
    found = np.full((len(mask), most), -1)
    found[rows, number[rows, columns] - 1] = columns
    return found
