"""The shop's own list of items: all of them on the first day, those with a new price on a later one, and on the last
day those that are sold out, that end, and that come again with the next season.
"""

from __future__ import annotations

import json
from typing import Any

from sample_data.feeds.dirt import Record, tally
from sample_data.feeds.feed import Feed, Track, silently
from sample_data.items import Item, Shop
from sample_data.parameters import DAY_SECONDS, Parameters
from sample_data.photos import photo
from sample_data.sounds import sound

SOURCE = "catalogue"

SOLD_OUT_SHARE, ENDED_SHARE, SEASONAL_SHARE = 1 / 40, 1 / 60, 1 / 60
"""Of the items, on the last day; the pipeline may show none of these on the morning after it."""

SOUND_SHARE = 0.6
"""Of the items, those of which the catalogue has a sound."""

SEASON_DAYS = 10
"""After the last day of the town, seasonal items can be had again."""

_MARGINS = (0.1, 0.6)


def catalogue(parameters: Parameters, shop: Shop, track: Track = silently) -> Feed:
    """All deliveries, each with the pictures of its items, and the sounds of those that make any."""
    rng = parameters.generator("catalogue")
    pictures = {item.id: photo(rng, item.category) for item in track(shop.items, "catalogue")}
    stock = stock_of_last_day(parameters, shop)
    sounds = _sounds(parameters, shop)
    margins = _margins(parameters, shop)
    deliveries = {0: shop.items}
    if parameters.price_update_day < parameters.days:
        deliveries[parameters.price_update_day] = [item for item in shop.items if item.reduced_price is not None]
    last = parameters.days - 1
    in_last = {item.id for item in deliveries.get(last, [])} | set(stock)
    deliveries[last] = [item for item in shop.items if item.id in in_last]
    files, records = {}, []
    for day, items in sorted(deliveries.items()):
        second = parameters.start + day * DAY_SECONDS
        lines = []
        for item in items:
            price = item.price_on(day, parameters.price_update_day)
            state = {"brand": item.brand, "margin": margins[item.id]} | (stock.get(item.id, {}) if day == last else {})
            if item.id in sounds:
                state = {"sound": _sound_path(item)} | state
            lines.append(Record(second, day, _line(item, price, state)))
        folder = f"ds={parameters.ds(day)}"
        files[f"{folder}/items.jsonl"] = b"".join(record.line() for record in lines)
        files.update({f"{folder}/{_picture_path(item)}": pictures[item.id] for item in items})
        files.update({f"{folder}/{_sound_path(item)}": sounds[item.id] for item in items if item.id in sounds})
        records.extend(lines)
    return Feed(SOURCE, files, tally(records), frozenset())


def stock_of_last_day(parameters: Parameters, shop: Shop) -> dict[str, dict[str, Any]]:
    """What the last day's delivery says of an item that cannot be had on the morning after it, by item id."""
    again = parameters.ds(parameters.days - 1 + SEASON_DAYS)
    found = {}
    for item, draw in zip(shop.items, parameters.generator("stock").random(len(shop.items)).tolist(), strict=True):
        if draw < SOLD_OUT_SHARE:
            found[item.id] = {"in_stock": False}
        elif draw < SOLD_OUT_SHARE + ENDED_SHARE:
            found[item.id] = {"available_until": parameters.last_day}
        elif draw < SOLD_OUT_SHARE + ENDED_SHARE + SEASONAL_SHARE:
            found[item.id] = {"available_from": again}
    return found


def _margins(parameters: Parameters, shop: Shop) -> dict[str, float]:
    draws = parameters.generator("margins").uniform(*_MARGINS, len(shop.items)).round(2).tolist()
    return {item.id: margin for item, margin in zip(shop.items, draws, strict=True)}


def _sounds(parameters: Parameters, shop: Shop) -> dict[str, bytes]:
    rng = parameters.generator("sounds of items")
    return {item.id: sound(rng, item.category) for item in shop.items if rng.random() < SOUND_SHARE}


def _sound_path(item: Item) -> str:
    return f"sounds/{item.id}.wav"


def _picture_path(item: Item) -> str:
    return f"pictures/{item.id}.png"


def _line(item: Item, price: float, state: dict[str, Any]) -> str:
    content = {
        "id": item.id,
        "title": item.title,
        "category": item.category,
        "categories": [item.category],
        "price": {"amount": price, "currency": "EUR"},
        "picture": _picture_path(item),
        **state,
    }
    return json.dumps(content, ensure_ascii=False)
