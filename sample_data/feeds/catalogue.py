"""The shop's own list of items: all of them on the first day, those with a new price on a later one."""

from __future__ import annotations

import json

from sample_data.feeds.dirt import Record, tally
from sample_data.feeds.feed import Feed, Track, silently
from sample_data.items import Item, Shop
from sample_data.parameters import DAY_SECONDS, Parameters
from sample_data.photos import photo

SOURCE = "catalogue"


def catalogue(parameters: Parameters, shop: Shop, track: Track = silently) -> Feed:
    """Both deliveries, each with the pictures of its items."""
    rng = parameters.generator("catalogue")
    pictures = {item.id: photo(rng, item.category) for item in track(shop.items, "catalogue")}
    deliveries = {0: shop.items}
    if parameters.price_update_day < parameters.days:
        deliveries[parameters.price_update_day] = [item for item in shop.items if item.reduced_price is not None]
    files, records = {}, []
    for day, items in deliveries.items():
        second = parameters.start + day * DAY_SECONDS
        lines = [Record(second, day, _line(item, item.price_on(day, parameters.price_update_day))) for item in items]
        folder = f"ds={parameters.ds(day)}"
        files[f"{folder}/items.jsonl"] = b"".join(record.line() for record in lines)
        files.update({f"{folder}/{_picture_path(item)}": pictures[item.id] for item in items})
        records.extend(lines)
    return Feed(SOURCE, files, tally(records), frozenset())


def _picture_path(item: Item) -> str:
    return f"pictures/{item.id}.png"


def _line(item: Item, price: float) -> str:
    content = {
        "id": item.id,
        "title": item.title,
        "category": item.category,
        "categories": [item.category],
        "price": {"amount": price, "currency": "EUR"},
        "picture": _picture_path(item),
    }
    return json.dumps(content, ensure_ascii=False)
