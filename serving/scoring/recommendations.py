"""Ten items for everyone who agreed to personalisation, some more of the categories of campaigns, and why each.

A person with a history is ranked by the champion of `next_item`; one with a short history by the champion of
`taste_autoencoder`, which needs no order; one without any, and everyone while there is no champion, by what is popular.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from serving.scoring.champions import Champion, Champions
from serving.scoring.history_reasons import most_attributed_items
from serving.scoring.shelf import Shelf

SHORT_HISTORY = 3
"""Below this many items there is no order to speak of, and the autoencoder ranks."""

POPULAR = "popular with everyone right now"
TASTE = "popular with people of the same taste"
TOGETHER = "from all that you showed interest in"
"""No single item of the history raised its score."""

PINNED = "chosen by the shop"
AGAIN = "you bought it before, and it may be time for it again"

_BECAUSE = {
    "view": "because you looked at {}",
    "cart": "because you put {} in the cart",
    "purchase": "because you bought {}",
    "rate": "because you rated {}",
}
"""By the strongest action on the item of the history that raised the score most."""

POPULARITY = "popularity"
"""Stands for a model's version where popularity ranked."""

_CELLS_AT_ONCE = 2_000_000
"""Places of rankings that are held at a time."""

Rank = Callable[[pd.DataFrame], pd.DataFrame]
"""Rows with what `serving/scoring/histories.py` finds, and `again`, to what `ranked_by` says, and `reasons`, a list."""


@dataclass(frozen=True)
class Recommended:
    """What some people are recommended."""

    rows: pd.DataFrame
    """The rows of the table `scores`, by person and rank; a person without a usable ranking has none."""
    passed_over: list[list[str]]
    """Of each person the items that would have been recommended, if they could be had (people,)."""
    fell_back: int
    """People of whose own ranking nothing may be shown, and who got that of the next ranker."""


def recommend(
    people: np.ndarray,
    histories: pd.DataFrame,
    items: pd.DataFrame,
    champions: Champions,
    shelf: Shelf,
    again: list[list[str]] | None = None,
) -> Recommended:
    """What some people are recommended.

    Args:
        people: (people,).
        histories: a row for each, with what `serving/scoring/histories.py` finds.
        items: item_id, title.
        shelf: what may be recommended.
        again: of each person the items that may be bought again, which stand in front (people,); by default none.
    """
    histories = histories.assign(again=pd.Series([[]] * len(people) if again is None else again, dtype=object))
    lengths = histories["history"].map(len).to_numpy()
    next_item, taste = champions.get("next_item"), champions.get("taste_autoencoder")
    popular = (POPULARITY, popularity(shelf))
    by_taste_of = [] if taste is None or next_item is None else [(taste.name, by_taste(taste, shelf))]
    by_order_of = [] if next_item is None else [(next_item.name, by_order(next_item, items, shelf))]
    short = (lengths > 0) & (lengths < SHORT_HISTORY) & bool(by_taste_of)
    found: list[pd.DataFrame] = []
    passed_over: list[list[str]] = [[] for _ in people]
    fell_back = 0
    for chosen, rankers in ((~short, [*by_order_of, popular]), (short, [*by_taste_of, popular])):
        waiting = np.flatnonzero(chosen)
        for place, (version, rank) in enumerate(rankers):
            if not len(waiting):
                break
            ranked = rank(histories.iloc[waiting].reset_index(drop=True))
            found.append(recommendation_rows(people[waiting], ranked, version))
            for row, passed in zip(waiting, ranked["passed"], strict=True):
                passed_over[row] = passed
            waiting = waiting[ranked["items"].map(len).to_numpy() == 0]
            if shelf.best.may.all():
                break  # it is not for what may be shown that they have nothing, but for a ranking that is no use
            fell_back += len(waiting) if place + 1 < len(rankers) else 0
    rows = pd.concat(found).sort_values(["person_id", "rank"], ignore_index=True)
    return Recommended(rows, passed_over, fell_back)


def popularity(shelf: Shelf) -> Rank:
    """The ranking by how many people acted on an item, without what the person has acted on; ties by item id."""
    catalogue = shelf.catalogue
    by_people = np.lexsort((catalogue.item_ids.astype(str), -catalogue.interactions))
    by_people = by_people[catalogue.interactions[by_people] > 0]
    place_of = np.full(len(catalogue) + 1, -1)
    place_of[by_people] = np.arange(len(by_people))

    def best_of(rows: pd.DataFrame, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        row_of, seen = seen_by(rows, shelf)
        longest = rows["history"].map(len).max()
        some = by_people[: length + longest]
        unseen = np.ones((len(rows), len(some)), bool)
        places = place_of[seen]
        known = (places >= 0) & (places < len(some))
        unseen[row_of[known], places[known]] = False
        order = np.argsort(~unseen, axis=1, kind="stable")[:, :length]
        ranked = np.where(np.take_along_axis(unseen, order, axis=1), some[order], -1)
        acts = np.append(catalogue.interactions, 0.0)[ranked]
        return ranked, acts, (unseen.sum(axis=1) > length) | (len(some) < len(by_people))

    def rank(histories: pd.DataFrame) -> pd.DataFrame:
        ranked = ranked_by(best_of, histories, shelf)
        return ranked.assign(reasons=with_rules(ranked, [[POPULAR] * len(some) for some in ranked["items"]]))

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
        rows = histories.drop(columns=["strongest_actions", "again"], errors="ignore")
        ranked = ranked_by(rankings_of(champion, rows.columns, shelf), histories, shelf)
        inputs = champion.model.encode(rows)
        leaving = [
            [leaves and by_rule is None for leaves, by_rule in zip(*both, strict=True)]
            for both in zip(ranked["leaves"], ranked["said"], strict=True)
        ]
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
        return ranked.assign(reasons=with_rules(ranked, reasons))

    return rank


def by_taste(champion: Champion, shelf: Shelf) -> Rank:
    """The ranking by `taste_autoencoder`."""

    def rank(histories: pd.DataFrame) -> pd.DataFrame:
        ranked = ranked_by(rankings_of(champion, ["history"], shelf), histories, shelf)
        return ranked.assign(reasons=with_rules(ranked, [[TASTE] * len(some) for some in ranked["items"]]))

    return rank


BestOf = Callable[[pd.DataFrame, int], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Rows, and how many items are wanted, to items (people, length), -1 behind the last or unknown, their scores, and who
has more than these (people,)."""


def rankings_of(champion: Champion, columns: Sequence[str], shelf: Shelf) -> BestOf:
    """The rankings of a champion, which reads some columns."""

    def answer(rows: pd.DataFrame, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        answers = champion.predict(rows[[*columns]], k=length, because=0)
        lengths = answers["items"].map(len).to_numpy()
        row_of = np.repeat(np.arange(len(rows)), lengths)
        column = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        ranked = np.full((len(rows), max(int(lengths.max(initial=0)), 1)), -1)
        scores = np.zeros(ranked.shape)
        ranked[row_of, column] = shelf.catalogue.places([item for items in answers["items"] for item in items])
        scores[row_of, column] = [score for scores_of_row in answers["scores"] for score in scores_of_row]
        return ranked, scores, lengths >= length

    return answer


def ranked_by(best: BestOf, rows: pd.DataFrame, shelf: Shelf) -> pd.DataFrame:
    """What the shelf keeps of rankings, a row each: columns `items`, `scores`, `leaves`, `passed`, and `said`.

    A ranking that was too short for it is asked for again, four times as long, until it holds all items. All without
    a history get the ranking of one of them. `said` is why an item is there that the ranking did not bring, else None.
    """
    again = places_again(rows, shelf)
    found = np.full(len(rows), None, dtype=object)
    alike = np.flatnonzero((rows["history"].map(len).to_numpy() == 0) & (again < 0).all(axis=1))
    waiting = np.setdiff1d(np.arange(len(rows)), alike[1:])
    length = shelf.likely_length
    while len(waiting):
        too_short = []
        for part in np.array_split(waiting, -(-len(waiting) * length // _CELLS_AT_ONCE)):
            some = rows.iloc[part].reset_index(drop=True)
            ranked, scores, has_more = best(some, length)
            picks = shelf.pick(ranked, scores, first=again[part], seen=seen_by(some, shelf))
            for row, kept, final in zip(part, picks.lists(shelf), picks.complete | ~has_more, strict=True):
                found[row] = kept if final else None
            too_short.append(part[~picks.complete & has_more])
        waiting, length = np.concatenate(too_short), length * 4
    found[alike[1:]] = found[alike[:1]]
    shelf.count(found)
    own = rows["again"] if "again" in rows else [[]] * len(rows)
    said = [
        [
            None if brought else AGAIN if item in to_buy_again else PINNED
            for item, brought in zip(kept.items, kept.brought, strict=True)
        ]
        for kept, to_buy_again in zip(found, own, strict=True)
    ]
    columns = {name: [getattr(kept, name) for kept in found] for name in ("items", "scores", "leaves", "passed")}
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in (columns | {"said": said}).items()})


def seen_by(rows: pd.DataFrame, shelf: Shelf) -> tuple[np.ndarray, np.ndarray]:
    """Rows and items (places in the catalogue) of all histories (acts,)."""
    lengths = rows["history"].map(len).to_numpy()
    items = shelf.catalogue.places([item for history in rows["history"] for item in history])
    return np.repeat(np.arange(len(rows)), lengths), items


def places_again(rows: pd.DataFrame, shelf: Shelf) -> np.ndarray:
    """Items (places in the catalogue) that each person may buy again, -1 for none (rows, most of a person)."""
    lists = list(rows["again"]) if "again" in rows else [[]] * len(rows)
    places = np.full((len(rows), max(map(len, lists), default=0)), -1)
    for row in np.flatnonzero([len(one) for one in lists]):
        places[row, : len(lists[row])] = shelf.catalogue.places(lists[row])
    return places


def with_rules(ranked: pd.DataFrame, reasons: list[list[str | None]]) -> list[list[str | None]]:
    """Reasons, and where a rule put the item there, that; none for what cannot leave the house."""
    return [
        [(by_rule or own) if leaves else None for own, by_rule, leaves in zip(*row, strict=True)]
        for row in zip(reasons, ranked["said"], ranked["leaves"], strict=True)
    ]


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
