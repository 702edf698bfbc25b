"""Campaign files: who a marketing team wants to reach, and with what. One YAML a campaign.

name: weekend_runners
about: People who like running and bought something lately.
purpose: marketing_contact          # or personalisation, for what is shown on our own pages
who:                                # all conditions must hold; an empty `who` is everyone
  likes: {category: running, min_weight: 0.2}
  bought_within_days: 60
  region: [north, centre]           # any column of the profile that holds a word: one of these
  segment: weekend_shopper
  at_least: {frequency: 2}          # any column of the profile that holds a number
  at_most: {recency_days: 60, leave_chance: 0.5}
items: {count: 3, category: running}
sends: autumn                       # the name under which its clicks come back: adds click_chance, and why, and lets
                                    # `who` ask for it, as `at_least: {click_chance: 0.1}`
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from contracts.errors import SettingsError
from contracts.tables.marts import PROFILE
from contracts.tables.served import PREDICTIONS, RESPONSES

PURPOSES = ("marketing_contact", "personalisation")
WORD_COLUMNS = tuple(
    column.name for column in PROFILE.columns if column.type == "string" and column.name != "person_id"
)
NUMBER_COLUMNS = tuple(
    column.name for column in (*PROFILE.columns, *PREDICTIONS.columns) if column.type in ("int", "double")
)
CHANCES = tuple(column.name for column in RESPONSES.columns if column.name in ("click_chance", "purchase_chance"))
"""What the champion of `response` says of a person and the campaign that is sent."""

MOST_ITEMS = 10

_KEYS = ("name", "about", "purpose", "who", "items", "sends")
_CONDITIONS = ("likes", "bought_within_days", "segment", "at_least", "at_most", *WORD_COLUMNS)


@dataclass(frozen=True)
class Campaign:
    """One campaign, checked."""

    name: str
    about: str
    purpose: str
    item_count: int
    item_category: str | None
    likes: Mapping[str, float] = field(default_factory=dict)
    """Category -> least weight among the person's interests."""
    one_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Word column -> allowed values."""
    segments: tuple[str, ...] = ()
    """The person is in one of these; empty where it does not matter."""
    at_least: Mapping[str, float] = field(default_factory=dict)
    at_most: Mapping[str, float] = field(default_factory=dict)
    sends: str | None = None
    """Name under which the campaign's clicks come back, if they do."""

    @property
    def reads_profiles(self) -> bool:
        """Whether it chooses people by what their profiles say, for which they must have agreed to profiling."""
        return bool(self.likes or self.one_of or self.segments or self.at_least or self.at_most)


def load_campaigns(folder: Path, categories: Iterable[str]) -> list[Campaign]:
    """Every campaign of a folder, by file name.

    Raises:
        SettingsError: no campaign at all, or one that cannot be understood.
    """
    files = sorted(folder.glob("*.yml"))
    if not files:
        raise SettingsError(
            expected=f"at least one campaign, a .yml file in {folder}",
            received="none",
            remedy="write one as activation/audiences/campaigns.py shows, or correct NIGHTSHIFT_CAMPAIGNS",
        )
    campaigns = [read_campaign(file, set(categories)) for file in files]
    for campaign, file in zip(campaigns, files, strict=True):
        if campaign.name != file.stem:
            raise SettingsError(
                expected=f"name: {file.stem} in {file}, as the file is called",
                received=repr(campaign.name),
                remedy="rename the one or the other, so that no two campaigns share a name",
            )
    return campaigns


def read_campaign(file: Path, categories: set[str]) -> Campaign:
    """One campaign; `categories` are those that items or people have.

    Raises:
        SettingsError: a key, condition, column, category or value that does not fit.
    """
    place = _Place(file)
    content = place.mapping("the file", _parsed(file))
    place.one_of("key", content, _KEYS)
    who = place.mapping("who", content.get("who") or {})
    place.one_of("condition", who, _CONDITIONS)
    items = place.mapping("items", content.get("items") or {"count": 3})
    place.one_of("key of items", items, ("count", "category"))

    likes = place.mapping("likes", who.get("likes") or {})
    place.one_of("key of likes", likes, ("category", "min_weight"))
    liked = [likes["category"]] if "category" in likes else []
    wanted = [items["category"]] if "category" in items else []
    place.one_of("category", [*liked, *wanted], sorted(categories))
    sends = content.get("sends")
    at_least, at_most = (place.numbers(what, who, CHANCES if sends else ()) for what in ("at_least", "at_most"))
    if "bought_within_days" in who:
        at_most["recency_days"] = place.number("bought_within_days", who["bought_within_days"])
    purpose = content.get("purpose", PURPOSES[0])
    place.one_of("purpose", [purpose], PURPOSES)
    count = place.number("items.count", items.get("count", 3))
    if not 1 <= count <= MOST_ITEMS or count != int(count):
        place.refuse(f"a whole number from 1 to {MOST_ITEMS} as items.count", repr(count), "correct it")
    return Campaign(
        name=str(content.get("name", "")),
        about=str(content.get("about", "")),
        purpose=purpose,
        item_count=int(count),
        item_category=items.get("category"),
        likes={category: place.number("likes.min_weight", likes.get("min_weight", 0.0)) for category in liked},
        one_of={column: _words(who[column]) for column in WORD_COLUMNS if column in who},
        segments=_words(who.get("segment", [])),
        at_least=at_least,
        at_most=at_most,
        sends=None if sends is None else str(sends),
    )


@dataclass(frozen=True)
class _Place:
    """Checks that name the file they are about."""

    file: Path

    def refuse(self, expected: str, received: str, remedy: str) -> None:
        raise SettingsError(expected=f"{expected} in {self.file}", received=received, remedy=remedy)

    def one_of(self, what: str, given: Iterable[str], known: Iterable[str]) -> None:
        known = list(known)
        for name in given:
            if name not in known:
                close = difflib.get_close_matches(str(name), known, n=3)
                remedy = f"did you mean {' or '.join(close)}?" if close else f"use one of {', '.join(known)}"
                self.refuse(f"a known {what}", repr(name), remedy)

    def mapping(self, what: str, value: Any) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            self.refuse(
                f"{what} as `key: value` pairs", repr(value), "see activation/audiences/campaigns.py for an example"
            )
        return value

    def number(self, what: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(f"a number as {what}", repr(value), "correct it")
        return float(value)

    def numbers(self, what: str, who: Mapping[str, Any], more: Iterable[str]) -> dict[str, float]:
        limits = self.mapping(what, who.get(what) or {})
        self.one_of(f"number column of the profile under {what}", limits, [*NUMBER_COLUMNS, *more])
        return {column: self.number(f"{what}.{column}", value) for column, value in limits.items()}


def _parsed(file: Path) -> Any:
    try:
        return yaml.safe_load(file.read_text())
    except yaml.YAMLError as error:
        raise SettingsError(expected=f"YAML in {file}", received=str(error), remedy="mend the file") from error


def _words(value: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in (value if isinstance(value, list) else [value]))
