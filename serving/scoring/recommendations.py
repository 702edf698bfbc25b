"""Ten items for everyone who agreed to personalisation, some more of the categories of campaigns, and why each.

A person with a history is ranked by the champion of `next_item`; one with a short history by the champion of
`taste_autoencoder`, which needs no order; one without any, and everyone while there is no champion, by what is popular.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from serving.scoring.champions import Champion, Champions
from serving.scoring.history_reasons import most_attributed_items
from serving.scoring.shelf import Choice, Shelf

SHORT_HISTORY = 3
"""Below this many items there is no order to speak of, and the autoencoder ranks."""

POPULAR = "popular with everyone right now"
TASTE = "popular with people of the same taste"
TOGETHER = "from all that you showed interest in"
"""No single item of the history raised its score."""

_BECAUSE = {
    "view": "because you looked at {}",
    "cart": "because you put {} in the cart",
    "purchase": "because you bought {}",
    "rate": "because you rated {}",
}
"""By the strongest action on the item of the history that raised the score most."""

POPULARITY = "popularity"
"""Stands for a model's version where popularity ranked."""

_CELLS_AT_ONCE = 4_000_000
"""Places of rankings that are held at a time."""

Rank = Callable[[pd.DataFrame], pd.DataFrame]
"""Rows with what `serving/scoring/histories.py` finds to columns `items`, `scores` and `reasons`, lists best first."""


def recommend(
    people: np.ndarray,
    histories: pd.DataFrame,
    items: pd.DataFrame,
    champions: Champions,
    shelf: Shelf | None = None,
) -> pd.DataFrame:
    """The rows of the table `scores` for some people, by person and rank; a person without a usable ranking has none.

    Args:
        people: (people,).
        histories: a row for each, with what `serving/scoring/histories.py` finds.
        items: item_id, title, interactions.
        shelf: what may be recommended; by default the ten best of all items.
    """
    shelf = Shelf.of(items) if shelf is None else shelf
    lengths = histories["history"].map(len).to_numpy()
    next_item, taste = champions.get("next_item"), champions.get("taste_autoencoder")
    short = (lengths > 0) & (lengths < SHORT_HISTORY) & (taste is not None) & (next_item is not None)
    rankings = (
        (~short, next_item, popularity(items, shelf) if next_item is None else by_order(next_item, items, shelf)),
        (short, taste, by_taste(taste, shelf)),
    )
    rows = [
        recommendation_rows(
            people[chosen],
            rank(histories[chosen].reset_index(drop=True)),
            POPULARITY if champion is None else champion.name,
        )
        for chosen, champion, rank in rankings
        if chosen.any()
    ]
    return pd.concat(rows).sort_values(["person_id", "rank"], ignore_index=True)


def popularity(items: pd.DataFrame, shelf: Shelf | None = None) -> Rank:
    """The ranking by how many people acted on an item, without what the person has acted on; ties by item id.

    Args:
        items: item_id, interactions.
        shelf: what may be recommended; by default the ten best of all items.
    """
    shelf = Shelf.of(items) if shelf is None else shelf
    by_people = items[items["interactions"] > 0].sort_values(["interactions", "item_id"], ascending=[False, True])
    best = list(zip(by_people["item_id"], by_people["interactions"].astype(float), strict=True))

    def rank(histories: pd.DataFrame) -> pd.DataFrame:
        offered = []
        for history in histories["history"]:
            seen = set(history)
            unseen, looked_at = itertools.tee(one for one in best if one[0] not in seen)
            choice = shelf.choose(item for item, _ in unseen)
            shelf.count(choice)
            first = list(itertools.islice(looked_at, max(choice.places, default=-1) + 1))
            offered.append([first[place] for place in choice.places])
        return pd.DataFrame(
            {
                "items": [[item for item, _ in some] for some in offered],
                "scores": [[acts for _, acts in some] for some in offered],
                "reasons": [[POPULAR] * len(some) for some in offered],
            }
        )

    return rank


def by_order(champion: Champion, items: pd.DataFrame, shelf: Shelf) -> Rank:
    """The ranking by `next_item`; the reason is the item of the history that raised the score most, and what was done.

    To find it takes longer than to rank, so it is found for what a campaign can carry; the others have none.

    Args:
        items: item_id, title.
    """
    titles = dict(zip(items["item_id"], items["title"], strict=True))

    def rank(histories: pd.DataFrame) -> pd.DataFrame:
        actions = strongest_actions(histories)
        rows = histories.drop(columns="strongest_actions", errors="ignore")
        ranked = ranked_by(champion, rows, shelf)
        inputs = champion.model.encode(rows)
        leaving = ranked["items"].map(shelf.can_leave)
        explained = pd.Series(
            [list(itertools.compress(*both)) for both in zip(ranked["items"], leaving, strict=True)], dtype=object
        )
        raised = most_attributed_items(champion.model, inputs, explained)
        reasons = []
        for items_of_row, leaving_of_row, known, done in zip(
            raised, leaving, inputs[0].any(axis=1), actions, strict=True
        ):
            said = iter(reason(item, titles, done) if known else POPULAR for item in items_of_row)
            reasons.append([next(said) if leaves else None for leaves in leaving_of_row])
        return ranked.assign(reasons=reasons)

    return rank


def by_taste(champion: Champion, shelf: Shelf) -> Rank:
    """The ranking by `taste_autoencoder`."""

    def rank(histories: pd.DataFrame) -> pd.DataFrame:
        ranked = ranked_by(champion, histories[["history"]], shelf)
        return ranked.assign(reasons=[[TASTE] * len(some) for some in ranked["items"]])

    return rank


def ranked_by(champion: Champion, rows: pd.DataFrame, shelf: Shelf) -> pd.DataFrame:
    """Columns `items` and `scores` of what the shelf keeps of a champion's rankings, a row each.

    A ranking that was too short for it is asked for again, four times as long, until it holds all items. All without
    a history get the ranking of one of them.
    """
    choices: list[Choice] = [Choice([], complete=False, ended=0)] * len(rows)
    kept: list[tuple[list, list]] = [([], [])] * len(rows)
    alike = np.flatnonzero(rows["history"].map(len).to_numpy() == 0)
    waiting = np.setdiff1d(np.arange(len(rows)), alike[1:])
    length = shelf.likely_length
    while len(waiting):
        too_short: list[int] = []
        for part in np.array_split(waiting, -(-len(waiting) * length // _CELLS_AT_ONCE)):
            answers = champion.predict(rows.iloc[part].reset_index(drop=True), k=length, because=0)
            for row, items, scores in zip(part, answers["items"], answers["scores"], strict=True):
                choices[row] = choice = shelf.choose(items)
                if not choice.complete and len(items) >= length:
                    too_short.append(row)
                    continue
                kept[row] = ([items[place] for place in choice.places], [scores[place] for place in choice.places])
        waiting, length = np.array(too_short, int), length * 4
    for row in alike[1:]:
        choices[row], kept[row] = choices[alike[0]], kept[alike[0]]
    for choice in choices:
        shelf.count(choice)
    return pd.DataFrame({"items": [items for items, _ in kept], "scores": [scores for _, scores in kept]})


def recommendation_rows(people: np.ndarray, ranked: pd.DataFrame, version: str) -> pd.DataFrame:
    """Rankings with their reasons as one row an item: the columns of the table `scores`."""
    rows = ranked.assign(person_id=people).explode(["items", "scores", "reasons"]).dropna(subset="items")
    return pd.DataFrame(
        {
            "person_id": rows["person_id"],
            "rank": rows.groupby("person_id").cumcount() + 1,
            "item_id": rows["items"],
            "score": rows["scores"].astype(float),
            "reason": rows["reasons"],
            "model_version": version,
        }
    )


def strongest_actions(histories: pd.DataFrame) -> list[dict[str, str]]:
    """For each row the items of the history with the strongest action on each; none where the mart did not know it."""
    if "strongest_actions" not in histories:
        return [{}] * len(histories)
    return [
        dict(zip(items, actions, strict=True))
        for items, actions in zip(histories["history"], histories["strongest_actions"], strict=True)
    ]


def reason(raised_by: str | None, titles: Mapping[str, str], actions: Mapping[str, str]) -> str:
    """Why, in words for the person.

    Args:
        raised_by: the item of the history that raised the score most, None where no single one did.
        actions: the strongest action on each item of the history; an item without one counts as looked at.
    """
    if raised_by is None:
        return TOGETHER
    return _BECAUSE[actions.get(raised_by, "view")].format(titles.get(raised_by, raised_by))
