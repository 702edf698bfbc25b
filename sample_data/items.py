"""What the town's shop sells, and the order in which people tend to want it."""

from __future__ import annotations

import csv
from dataclasses import dataclass

import numpy as np

from contracts.errors import RawDataError
from contracts.settings import REPOSITORY
from sample_data.parameters import MOST_LINES
from sample_data.words import BASE_PRICES, BRANDS, NOUNS, STAGES

TOPICS_FILE = REPOSITORY / "dbt_project" / "seeds" / "topic_categories.csv"

PRICE_TIERS = ("low", "middle", "high")
_PRICE_FACTORS = {"low": 0.5, "middle": 1.0, "high": 2.2}

NEXT_SHARE, SKIP_SHARE = 0.42, 0.13
"""How often the next act is on the successor of the last item, and on the successor's successor."""


@dataclass(frozen=True)
class Item:
    """One thing to buy; `line` and `position` say where it stands among the items that lead to each other."""

    id: str
    title: str
    category: str
    line: int
    position: int
    price: float
    """Euros."""
    price_tier: str
    reduced_price: float | None
    """Euros after the catalogue's price update; None where the price stays."""
    brand: str

    def price_on(self, day: int, update_day: int) -> float:
        """Euros on a day of the town, counted from 0."""
        return self.price if self.reduced_price is None or day < update_day else self.reduced_price


@dataclass(frozen=True)
class Shop:
    """All items, and the hidden walk over them.

    Each category has lines of items. Who has looked at an item looks next at its successor with probability
    `NEXT_SHARE`: the following item of the line, or, after the last one, the first item of the line that follows.
    """

    categories: tuple[str, ...]
    topics: dict[str, tuple[str, ...]]
    """Category -> its hashtags."""
    lines: dict[str, tuple[tuple[Item, ...], ...]]
    """Category -> lines -> items in order."""
    following: dict[str, tuple[int, ...]]
    """Category -> for each line the line that follows it."""
    popularity: dict[str, tuple[float, ...]]
    """Category -> for each line its share of the entries (Zipf)."""

    @property
    def items(self) -> list[Item]:
        return [item for lines in self.lines.values() for line in lines for item in line]

    def successor(self, item: Item) -> Item:
        lines = self.lines[item.category]
        if item.position + 1 < len(lines[item.line]):
            return lines[item.line][item.position + 1]
        return lines[self.following[item.category][item.line]][0]

    def enter(self, rng: np.random.Generator, category: str, price_tier: str) -> Item:
        """An item to begin with: a popular line of the person's price tier, mostly from its start."""
        lines = self.lines[category]
        weights = np.array(self.popularity[category]) * [
            3.0 if line[0].price_tier == price_tier else 1.0 for line in lines
        ]
        line = lines[pick(rng, weights)]
        return line[0] if rng.random() < 0.5 else line[int(rng.integers(len(line)))]

    def after(self, rng: np.random.Generator, last: Item | None) -> Item | None:
        """The item that the walk leads to from `last`; None where the person starts afresh."""
        draw = rng.random()
        if last is None or draw >= NEXT_SHARE + SKIP_SHARE:
            return None
        following = self.successor(last)
        return following if draw < NEXT_SHARE else self.successor(following)


def pick(rng: np.random.Generator, weights) -> int:
    """An index drawn in proportion to `weights`; much faster than `Generator.choice` for a few weights."""
    total = np.cumsum(weights)
    return min(int(np.searchsorted(total, rng.random() * total[-1], side="right")), len(total) - 1)


def read_topics() -> dict[str, tuple[str, ...]]:
    """Category -> hashtags, from the seed that the profiles use too.

    Raises:
        RawDataError: the seed names a category for which the town has no words.
    """
    with TOPICS_FILE.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    topics = {row["category"]: () for row in rows}
    for row in rows:
        topics[row["category"]] += (row["topic"],)
    if unknown := sorted(set(topics) - set(NOUNS)):
        raise RawDataError(
            expected=f"only the categories {', '.join(NOUNS)} in {TOPICS_FILE}",
            received=", ".join(unknown),
            remedy="add their words, motif and pattern to words.py, photos.py and sounds.py in sample_data",
        )
    return topics


def open_shop(rng: np.random.Generator, lines_a_category: int = MOST_LINES) -> Shop:
    """A shop of lines of five items in each category; about one item in thirty will become cheaper."""
    topics = read_topics()
    lines, following, popularity, number = {}, {}, {}, 0
    for category in topics:
        nouns = NOUNS[category].split(",")[:lines_a_category]
        made = []
        for line, noun in enumerate(nouns):
            made.append(_line(rng, category, line, noun, number))
            number += len(STAGES)
        lines[category] = tuple(made)
        circle = rng.permutation(len(nouns))
        successor_of = dict(zip(circle.tolist(), np.roll(circle, -1).tolist(), strict=True))
        following[category] = tuple(successor_of[line] for line in range(len(nouns)))
        popularity[category] = tuple((1 / (1 + rng.permutation(len(nouns)))).tolist())
    return Shop(tuple(topics), topics, lines, following, popularity)


def _line(rng: np.random.Generator, category: str, line: int, noun: str, number: int) -> tuple[Item, ...]:
    brand = BRANDS[int(rng.integers(len(BRANDS)))]
    tier = PRICE_TIERS[line % len(PRICE_TIERS)]
    items = []
    for position, stage in enumerate(STAGES):
        price = round(BASE_PRICES[category] * _PRICE_FACTORS[tier] * (1 + 0.12 * position) * rng.uniform(0.9, 1.1), 2)
        reduced = round(price * 0.8, 2) if rng.random() < 1 / 30 else None
        items.append(
            Item(
                id=f"i-{number + position + 1:04d}",
                title=f"{brand} {noun} {stage}",
                category=category,
                line=line,
                position=position,
                price=price,
                price_tier=tier,
                reduced_price=reduced,
                brand=brand,
            )
        )
    return tuple(items)
