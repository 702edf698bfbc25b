"""What ways to choose people would have been worth on a night, by the town's truth, each with as many messages.

For each campaign whose responses were scored: everybody whom it could be sent to, one message to half of them. Whom a
way chooses is what the pipeline's own scores say; what the messages would have changed is planted. Chance has no part
in it: these are expectations, and random is the mean over all choices.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from contracts.lake import Lake
from contracts.settings import Settings
from sample_data.items import Shop
from sample_data.parameters import Parameters
from sample_data.people import Person
from sample_data.responses.day import CLICK_NAMES, earlier_messages
from sample_data.responses.diary import Diary
from sample_data.responses.effects import Chances, Crowd, kinds_of
from sample_data.responses.planned import people_of_pseudonyms, rows

SHARE = 0.5
"""Of the people, who get a message."""

SCORES = {"response": ("responses", "expected_value"), "uplift": ("uplifts", "uplift_euros")}
"""Way to choose -> the table and the column by which it ranks people."""


def worth_of_policies(
    settings: Settings, ds: str, parameters: Parameters, shop: Shop, people: list[Person], diaries: list[Diary]
) -> dict[str, dict[str, Any]]:
    """Campaign -> people, messages, and euros by truth of each way to choose; `best` knows the truth.

    Raises:
        LakeError: there are no persons or no ranked items of that night.
    """
    lake = Lake(settings.home.lake)
    number_of = people_of_pseudonyms(settings, ds, people)
    ranked = {
        way: _scores(settings, table, ds, column, number_of)
        for way, (table, column) in SCORES.items()
        if lake.files(table, ds)
    }
    if "response" not in ranked:
        return {}
    first = _first_items(settings, ds, number_of)
    by_id = {item.id: item for item in shop.items}
    earlier = earlier_messages(diaries, len(people))
    crowd, longer = Crowd.of(people), parameters.until(ds)
    chance = crowd.visit_chance(longer, longer.days)  # of the day after the night
    found = {}
    for name, scores in ranked["response"].items():
        those = np.array(sorted(scores), int)
        items = [by_id.get(first.get(number, "")) for number in those.tolist()]
        price = np.array([item.price_on(longer.days, parameters.price_update_day) if item else 0.0 for item in items])
        fits = np.array(
            [bool(item) and item.category in people[n].interests for n, item in zip(those, items, strict=True)], bool
        )
        kind = kinds_of(parameters, crowd, name)[those]
        euros = Chances.of(kind, fits, earlier[those]).expected(chance[those], price).euros
        count = round(SHARE * len(those))
        own = {way: ranks[name] for way, ranks in ranked.items() if name in ranks}
        found[name] = {
            "people": len(those),
            "messages": count,
            "random": round(float(euros.mean()) * count, 2),
            **{way: round(_of_best(euros, those, ranks, count), 2) for way, ranks in own.items()},
            "best": round(float(np.sort(euros)[::-1][:count].sum()), 2),
        }
    return found


def _of_best(euros: np.ndarray, those: np.ndarray, scores: dict[int, float], count: int) -> float:
    """Euros of the people with the highest scores; of equal ones the person of the lower number."""
    values = np.array([scores.get(number, -np.inf) for number in those.tolist()])
    return float(euros[np.argsort(-values, kind="stable")[:count]].sum())


def _campaign_of(click_name: str) -> str:
    return next((campaign for campaign, name in CLICK_NAMES.items() if name == click_name), click_name)


def _scores(
    settings: Settings, table: str, ds: str, column: str, number_of: dict[str, int]
) -> dict[str, dict[int, float]]:
    """Campaign, by its own name -> person of the town -> score."""
    found: dict[str, dict[int, float]] = {}
    for row in rows(settings, table, ds, ["person_id", "campaign", column], made_by="serving.score").to_pylist():
        if row["person_id"] in number_of and row[column] is not None:
            found.setdefault(_campaign_of(row["campaign"]), {})[number_of[row["person_id"]]] = row[column]
    return found


def _first_items(settings: Settings, ds: str, number_of: dict[str, int]) -> dict[int, str]:
    """Person of the town -> the item that is recommended first."""
    table = rows(settings, "scores", ds, ["person_id", "rank", "item_id"], made_by="serving.score")
    return {
        number_of[row["person_id"]]: row["item_id"]
        for row in table.to_pylist()
        if row["rank"] == 1 and row["person_id"] in number_of
    }
