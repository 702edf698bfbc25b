"""Ten items for everyone who agreed to personalisation, and for each item why.

A person with a history is ranked by the champion of `next_item`; one with a short history by the champion of
`taste_autoencoder`, which needs no order; one without any, and everyone while there is no champion, by what is popular.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from serving.champions import Champions

TOP = 10

SHORT_HISTORY = 3
"""Below this many items there is no order to speak of, and the autoencoder ranks."""

POPULAR = "popular with everyone right now"
TASTE = "popular with people of the same taste"

POPULARITY = "popularity"
"""Stands for a model's version where popularity ranked."""

_PEOPLE_A_BATCH = 4096

Predict = Callable[[pd.DataFrame], pd.DataFrame]
"""A column `history` to columns `items`, `scores`, `because`, as `training/pyfuncs/next_item.py` says."""


def consenting_people(profiles: pa.Table) -> np.ndarray:
    """Ids of those who agreed to personalisation, sorted (people,)."""
    return np.sort(profiles.filter(pc.field("consent_personalisation"))["person_id"].to_numpy())


def in_batches(people: np.ndarray, histories: pa.Table) -> Iterator[tuple[np.ndarray, list]]:
    """People and their histories, oldest act first, empty where there is none, a batch at a time."""
    places = pd.Index(histories["person_id"].to_numpy()).get_indexer(people)
    for start in range(0, len(people), _PEOPLE_A_BATCH):
        some = places[start : start + _PEOPLE_A_BATCH]
        known = iter(histories["item_ids"].take(some[some >= 0]).to_pylist())
        yield people[start : start + _PEOPLE_A_BATCH], [next(known) if place >= 0 else [] for place in some]


def recommend(people: np.ndarray, histories: list, items: pd.DataFrame, champions: Champions) -> pd.DataFrame:
    """The rows of the table `scores` for some people, by person and rank; a person with an empty answer has none.

    Args:
        people: (people,).
        histories: item ids of each person, oldest first.
        items: item_id, title, interactions.
    """
    titles = dict(zip(items["item_id"], items["title"], strict=True))
    lengths = np.array([len(history) for history in histories])
    next_item, taste = champions.get("next_item"), champions.get("taste_autoencoder")
    by_taste = (lengths > 0) & (lengths < SHORT_HISTORY) & (taste is not None) & (next_item is not None)
    rows = []
    for chosen, champion in ((~by_taste, next_item), (by_taste, taste)):
        if not chosen.any():
            continue
        asked = pd.DataFrame({"history": [histories[place] for place in np.flatnonzero(chosen)]})
        answers = popularity(items)(asked) if champion is None else champion.predict(asked, k=TOP)
        if "because" not in answers:
            answers["because"] = [[TASTE] * len(some) for some in answers["items"]]
        else:
            answers["because"] = [[reason(one, titles) for one in some] for some in answers["because"]]
        rows.append(recommendation_rows(people[chosen], answers, champion.name if champion else POPULARITY))
    return pd.concat(rows).sort_values(["person_id", "rank"], ignore_index=True)


def popularity(items: pd.DataFrame) -> Predict:
    """The ranking by acts of everyone, without what the person has acted on; ties by item id.

    Args:
        items: item_id, interactions.
    """
    ranked = items[items["interactions"] > 0].sort_values(["interactions", "item_id"], ascending=[False, True])
    best = list(zip(ranked["item_id"], ranked["interactions"].astype(float), strict=True))

    def predict(histories: pd.DataFrame) -> pd.DataFrame:
        offered = []
        for history in histories["history"]:
            seen = set(history)
            offered.append(list(itertools.islice((one for one in best if one[0] not in seen), TOP)))
        return pd.DataFrame(
            {
                "items": [[item for item, _ in some] for some in offered],
                "scores": [[acts for _, acts in some] for some in offered],
                "because": [[None] * len(some) for some in offered],
            }
        )

    return predict


def recommendation_rows(people: np.ndarray, answers: pd.DataFrame, version: str) -> pd.DataFrame:
    """Answers with their reasons as one row an item: the columns of the table `scores`."""
    rows = answers.assign(person_id=people).explode(["items", "scores", "because"]).dropna(subset="items")
    return pd.DataFrame(
        {
            "person_id": rows["person_id"],
            "rank": rows.groupby("person_id").cumcount() + 1,
            "item_id": rows["items"],
            "score": rows["scores"].astype(float),
            "reason": rows["because"],
            "model_version": version,
        }
    )


def reason(because: str | None, titles: Mapping[str, str]) -> str:
    """Why, in words for the person; `because` is the nearest item of the history, or None without history."""
    return POPULAR if because is None else f"because you looked at {titles.get(because, because)}"
