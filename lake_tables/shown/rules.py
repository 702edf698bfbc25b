"""`rules.yml`: what may be shown, where and how often in a list; see docs/serve.md, "What may be shown".

Each line that does not fit is refused with its number. Items, categories and brands are data: a name that the catalogue
does not know is no error, and `unknown_names` says so, with its line and the nearest name.
"""

from __future__ import annotations

import difflib
import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from contracts.checked_yaml import YamlValue, read_yaml
from contracts.errors import SettingsError
from lake_tables.shown.catalogue import Catalogue

LABELS, VECTORS = "labels", "vectors"
SIMILARITIES = (LABELS, VECTORS)
"""What makes two items similar: a shared category and brand, or near vectors of the model that ranks."""

_OF_A_LIST = ("price", "excluded", "pinned", "at_most")
_KEYS = (*_OF_A_LIST, "diversity", "margin", "new_items", "buy_again", "campaigns")
_KINDS = ("items", "categories", "brands")
_MOST_PLACES = 10
_MOST_EUROS = 1e9
_MOST_SAID = 20
"""Unknown names that are listed."""


@dataclass(frozen=True)
class Names:
    """Items, categories and brands, by name."""

    items: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()

    def __or__(self, other: Names) -> Names:
        return Names(*(getattr(self, kind) | getattr(other, kind) for kind in _KINDS))

    def __bool__(self) -> bool:
        return bool(self.items or self.categories or self.brands)

    def among(self, catalogue: Catalogue) -> np.ndarray:
        """True for the items of a catalogue that are named, by themselves or by their category or brand (items,)."""
        found = catalogue.mask(catalogue.places(sorted(self.items)))
        for name in self.categories:
            found |= catalogue.of_category(name)
        for name in self.brands:
            found |= catalogue.of_brand(name)
        return found


@dataclass(frozen=True)
class ListRules:
    """What may stand in a list, everywhere or in those of one campaign."""

    least_price: float | None = None
    """Euros; an item without a price is not below it."""
    most_price: float | None = None
    excluded: Names = Names()
    pinned_items: tuple[str, ...] = ()
    """They stand first, in this order."""
    pinned_categories: Mapping[str, int] = field(default_factory=dict)
    """Category -> so many places behind those, in this order, go to its best items."""
    most_of_category: int | None = None
    most_of_brand: int | None = None

    def within(self, outer: ListRules) -> ListRules:
        """These rules in a list for which others hold too: the narrower price, both exclusions, own pins first, and
        own limits instead of the others'."""
        pinned = dict.fromkeys((*self.pinned_items, *outer.pinned_items))
        return ListRules(
            least_price=_of_both(max, self.least_price, outer.least_price),
            most_price=_of_both(min, self.most_price, outer.most_price),
            excluded=self.excluded | outer.excluded,
            pinned_items=tuple(pinned),
            pinned_categories={**self.pinned_categories, **_without(outer.pinned_categories, self.pinned_categories)},
            most_of_category=outer.most_of_category if self.most_of_category is None else self.most_of_category,
            most_of_brand=outer.most_of_brand if self.most_of_brand is None else self.most_of_brand,
        )


@dataclass(frozen=True)
class Diversity:
    """Re-ranking by maximal marginal relevance (Carbonell and Goldstein, 1998)."""

    weight: float
    """Of the similarity to what stands before it in the list, 0 to 1; the relevance has the rest."""
    by: str = LABELS


@dataclass(frozen=True)
class NewItems:
    """A share of what is shown that belongs to items on which few have acted, so that they get a chance to be found."""

    share: float
    """Of the places of a list, at its end; a share of a place is a whole one."""
    below: int = 5
    """People who acted on an item from which it is new no more."""

    def places(self, count: int) -> int:
        """Places of a list of so many."""
        return math.ceil(round(self.share * count, 6))

    def among(self, catalogue: Catalogue) -> np.ndarray:
        """True for the new items of a catalogue (items,)."""
        return catalogue.interactions < self.below


@dataclass(frozen=True)
class BuyAgain:
    """Items that come back into a person's lists when their usual interval is over; all others never do."""

    consumables: Names
    places: int = 2
    """Most places of a list that such items take, in front."""
    within_days: int = 400
    """Purchases of so many days are looked at."""
    least_repeats: int = 5
    """Repeated purchases from which an interval is learned, of an item or else of its category."""


@dataclass(frozen=True)
class Rules:
    """The whole file, checked."""

    everywhere: ListRules = ListRules()
    campaigns: Mapping[str, ListRules] = field(default_factory=dict)
    diversity: Diversity | None = None
    margin_weight: float = 0.0
    """Of the margin in an item's relevance, 0 to 1."""
    new_items: NewItems | None = None
    buy_again: BuyAgain | None = None
    sha256: str = ""
    """Of the file."""
    _written: tuple[tuple[str, str, YamlValue], ...] = field(default=(), repr=False, compare=False)
    """Kind and name of everything that the file names, and where."""

    def of_campaign(self, name: str) -> ListRules:
        """What holds in a campaign's lists."""
        return self.campaigns[name].within(self.everywhere) if name in self.campaigns else self.everywhere

    def unknown_names(self, catalogue: Catalogue) -> list[str]:
        """A sentence for each item, category or brand that the catalogue does not know, at most twenty."""
        known = {
            "items": catalogue.item_ids,
            "categories": catalogue.category_names,
            "brands": catalogue.brand_names,
        }
        sets = {kind: set(names) for kind, names in known.items()}
        said = []
        for kind, name, written in sorted(self._written, key=lambda one: one[2].line):
            if name in sets[kind] or len(said) == _MOST_SAID:
                continue
            near = [] if kind == "items" else difflib.get_close_matches(name, known[kind], n=1)  # items are too many
            advice = f"; did you mean {near[0]!r}?" if near else ""
            said.append(f"line {written.line} of {written.file.name} names {name!r}, which no item has{advice}")
        return said


def read_rules(file: Path, campaigns: Iterable[str] | None = None) -> Rules:
    """The rules of a file.

    Args:
        campaigns: names of all campaigns that there are, of which alone the file may speak; by default of any.

    Raises:
        SettingsError: the file is not there, or a line of it does not fit; the error names it.
    """
    if not file.is_file():
        raise SettingsError(
            expected=f"rules in {file}", received="no such file", remedy="write them, or correct NIGHTSHIFT_RULES"
        )
    fields = read_yaml(file, SettingsError).mapping(_KEYS)
    written: list[tuple[str, str, YamlValue]] = []
    of_campaigns = _below(fields, "campaigns", None if campaigns is None else list(campaigns))
    return Rules(
        everywhere=_list_rules({name: fields[name] for name in _OF_A_LIST if name in fields}, written),
        campaigns={name: _list_rules(found.mapping(_OF_A_LIST), written) for name, found in of_campaigns.items()},
        diversity=_diversity(fields["diversity"]) if "diversity" in fields else None,
        margin_weight=_weight(fields["margin"].mapping(("weight",), required=("weight",))["weight"])
        if "margin" in fields
        else 0.0,
        new_items=_new_items(fields["new_items"]) if "new_items" in fields else None,
        buy_again=_buy_again(fields["buy_again"], written) if "buy_again" in fields else None,
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        _written=tuple(written),
    )


def _list_rules(fields: Mapping[str, YamlValue], written: list) -> ListRules:
    price = _below(fields, "price", ("at_least", "at_most"))
    least, most = (price[name].number(0, _MOST_EUROS) if name in price else None for name in ("at_least", "at_most"))
    if least is not None and most is not None and least > most:
        raise price["at_most"].misfit(f"a price of at least {least:g}", "nothing would be left to show")
    pinned = _below(fields, "pinned", ("items", "categories"))
    limits = _below(fields, "at_most", ("category", "brand"))
    items = _texts(pinned["items"], "items", written) if "items" in pinned else ()
    if len(items) > _MOST_PLACES:
        raise pinned["items"].error(
            f"at most {_MOST_PLACES} pinned items", f"{len(items)}", "a list has no more places; leave the others out"
        )
    categories = pinned["categories"].mapping() if "categories" in pinned else {}
    written += [("categories", name, value) for name, value in categories.items()]
    return ListRules(
        least_price=least,
        most_price=most,
        excluded=_names(fields["excluded"], written) if "excluded" in fields else Names(),
        pinned_items=items,
        pinned_categories={name: value.whole_number(1, _MOST_PLACES) for name, value in categories.items()},
        most_of_category=limits["category"].whole_number(1, _MOST_PLACES) if "category" in limits else None,
        most_of_brand=limits["brand"].whole_number(1, _MOST_PLACES) if "brand" in limits else None,
    )


def _diversity(written: YamlValue) -> Diversity:
    fields = written.mapping(("weight", "by"), required=("weight",))
    return Diversity(_weight(fields["weight"]), fields["by"].one_of(SIMILARITIES) if "by" in fields else LABELS)


def _weight(written: YamlValue) -> float:
    weight = written.number()
    if not 0.0 < weight < 1.0:
        raise written.misfit("a weight above 0 and below 1", "leave it out for none")
    return weight


def _new_items(written: YamlValue) -> NewItems:
    fields = written.mapping(("share", "below"), required=("share",))
    below = fields["below"].whole_number(1, 1_000_000) if "below" in fields else NewItems.below
    return NewItems(_weight(fields["share"]), below)


def _buy_again(written: YamlValue, names: list) -> BuyAgain:
    fields = written.mapping((*_KINDS, "places", "within_days", "least_repeats"))
    consumables = _names(written, names, {kind: fields[kind] for kind in _KINDS if kind in fields})
    if not consumables:
        raise written.error(
            "items, categories or brands of consumables", "none", "name them, as categories: [pets], or take it out"
        )
    default = BuyAgain(consumables)
    return BuyAgain(
        consumables,
        places=fields["places"].whole_number(1, _MOST_PLACES) if "places" in fields else default.places,
        within_days=fields["within_days"].whole_number(7, 3650) if "within_days" in fields else default.within_days,
        least_repeats=fields["least_repeats"].whole_number(1, 1_000_000)
        if "least_repeats" in fields
        else default.least_repeats,
    )


def _names(value: YamlValue, written: list, fields: Mapping[str, YamlValue] | None = None) -> Names:
    fields = value.mapping(_KINDS) if fields is None else fields
    return Names(**{kind: frozenset(_texts(fields[kind], kind, written)) for kind in fields})


def _texts(value: YamlValue, kind: str, written: list) -> tuple[str, ...]:
    found = [(one.text(), one) for one in value.one_or_several()]
    written += [(kind, name, one) for name, one in found]
    return tuple(dict.fromkeys(name for name, _ in found))


def _below(fields: Mapping[str, YamlValue], name: str, known: Iterable[str] | None) -> dict[str, YamlValue]:
    return fields[name].mapping(known) if name in fields else {}


def _of_both(narrower, one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return narrower(known) if known else None


def _without(values: Mapping[str, int], names: Iterable[str]) -> dict[str, int]:
    return {name: value for name, value in values.items() if name not in set(names)}
