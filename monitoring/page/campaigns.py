"""Campaigns: how many get a message, why the others do not, and what a list looks like."""

from __future__ import annotations

from typing import Any

from contracts.checked_yaml import read_yaml
from contracts.errors import NightshiftError, SettingsError
from contracts.small_groups import fold_small, in_words
from contracts.tables.activation import OUTCOMES, PLAN_BOOKS, PLANS
from contracts.tables.marts import ITEM
from monitoring.page import words
from monitoring.page.charts import Line, over_nights
from monitoring.page.night import Night
from monitoring.page.photos import photos_of

_MOST_CAMPAIGNS = 30
_SAMPLES = 3
_MOST_ITEMS = 5


def campaigns(night: Night) -> list[dict[str, Any]]:
    """A card a campaign."""
    plans = night.report.get("plans", {})
    samples = _samples(night, list(plans)[:_MOST_CAMPAIGNS])
    items = {item for lists in samples.values() for one in lists for item in one}
    titles, photos = _titles(night, items), photos_of(night, items)
    history = _history(night)
    cards = []
    for name, entry in list(plans.items())[:_MOST_CAMPAIGNS]:
        lists = [
            [{"title": titles.get(item, item), "photo": photos.get(item)} for item in one]
            for one in samples.get(name, [])
        ]
        cards.append(
            {
                "name": name,
                "about": _about(night, name),
                "channel": entry.get("channel", ""),
                "error": entry.get("error", ""),
                "lists": lists,
                "chart": history.get(name),
                **_books(night, entry),
            }
        )
    return cards


def _books(night: Night, entry: dict[str, Any]) -> dict[str, Any]:
    """What became of everybody who was considered."""
    if "error" in entry or "considered" not in entry:
        return {"considered": None, "bars": []}
    smallest = night.smallest
    counts = {outcome: entry.get(outcome, 0) for outcome in OUTCOMES}
    folded = fold_small(counts, smallest, keep=("planned",))
    shown = [(name, folded.shown[name]) for name in OUTCOMES if name in folded.shown]
    bars = [
        {
            "outcome": name,
            "label": words.OUTCOMES[name],
            "people": f"{people:,}",
            "share": 100 * people / entry["considered"],
        }
        for name, people in shown
    ]
    if folded.others:
        label = "reasons of few people, together"
        others = in_words(folded.others, smallest)
        bars.append(
            {"outcome": "others", "label": label, "people": others, "share": 100 * folded.others / entry["considered"]}
        )
    return {
        "considered": f"{entry['considered']:,}",
        "planned": in_words(entry.get("planned", 0), smallest),
        "bars": bars,
        "value": entry.get("expected_value"),
        "cost": entry.get("cost"),
    }


def _history(night: Night) -> dict[str, Any]:
    """Campaign -> how many people it planned, night by night."""
    days = night.days(PLAN_BOOKS.name)
    if len(days) < 2:
        return {}
    rows = night.rows("select ds, campaign, planned from books", days, books=PLAN_BOOKS.name)
    found: dict[str, dict[str, int | None]] = {}
    for row in rows:
        hidden = 0 < row["planned"] < night.smallest
        found.setdefault(row["campaign"], {})[row["ds"]] = None if hidden else row["planned"]
    return {
        name: over_nights(
            f"{words.plain(name)}: people planned",
            days,
            [Line("people", [sizes.get(day) for day in days])],
            written="{:,.0f}".format,
        )
        for name, sizes in found.items()
    }


def _samples(night: Night, names: list[str]) -> dict[str, list[list[str]]]:
    """Campaign -> a few of its lists, all of whose items at least as many people get as a group must have.

    So a list on the page says of nobody what only that person was recommended. The lists that most people get come
    first, each with another first item.
    """
    if not names or not night.has(PLANS.name):
        return {}
    rows = night.rows(
        f"""
        with lists as (
            select campaign, items[1:{_MOST_ITEMS}] as items, count(*) as people from plans group by all
        ),
        frequent as (
            select campaign, item from (select campaign, unnest(items) as item, people from lists)
            group by all having sum(people) >= {night.smallest}
        ),
        allowed as (
            select campaign, list(item) as known from frequent group by campaign
        )
        select lists.campaign, lists.items from lists inner join allowed on lists.campaign = allowed.campaign
        where len(lists.items) > 0 and list_has_all(allowed.known, lists.items)
        qualify row_number() over (
            partition by lists.campaign, lists.items[1] order by lists.people desc, lists.items
        ) = 1
        order by lists.campaign, lists.people desc, lists.items
        """,
        plans=PLANS.name,
    )
    found: dict[str, list[list[str]]] = {}
    for row in rows:
        own = found.setdefault(row["campaign"], [])
        if row["campaign"] in names and len(own) < _SAMPLES:
            own.append(row["items"])
    return found


def _titles(night: Night, items: set[str]) -> dict[str, str]:
    if not items or not night.has(ITEM.name):
        return {}
    listed = ", ".join("'" + item.replace("'", "''") + "'" for item in sorted(items))
    rows = night.rows(f"select item_id, title from items where item_id in ({listed})", items=ITEM.name)
    return {row["item_id"]: row["title"] for row in rows}


def _about(night: Night, name: str) -> str:
    """What a campaign's file says that it is; empty where it does not."""
    file = night.settings.campaigns / f"{name}.yml"
    try:
        said = read_yaml(file, SettingsError).mapping().get("about") if file.is_file() else None
    except NightshiftError:  # the night has said what is wrong with the file
        return ""
    return said.plain if said is not None and isinstance(said.plain, str) else ""
