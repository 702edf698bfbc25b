"""Score everyone who agreed to personalisation with the champion: ten items each, and for each item why.

Reads dim_person_profile, training_sequences and dim_item of the day, and publishes lake/scores. Items that a person
has acted on are left out; people without history get what is popular. While no model has earned to be champion,
everyone gets what is popular: that is what the gate measures a model against. A person for whom the model gives no
usable score is counted as failed and gets no row.

    python -m serving.score --ds 2026-11-20
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.errors import exit_with_sentence
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.settings import Settings
from serving.entry import parser, read_mart
from training.registry import CHAMPION, Registry

MODEL = "next_item"
TOP = 10

POPULAR = "popular with everyone right now"

POPULARITY_VERSION = "popularity"
"""Stands for a version while no model has earned to be champion."""

_PEOPLE_A_BATCH = 4096

_SCHEMA = pa.schema(
    [
        pa.field("person_id", pa.string(), nullable=False),
        pa.field("rank", pa.int32(), nullable=False),
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("model_version", pa.string(), nullable=False),
    ]
)

Predict = Callable[[pd.DataFrame], pd.DataFrame]
"""A column `history` to columns `items`, `scores`, `because`, as `training/next_item_pyfunc.py` says."""


def main() -> None:
    chosen = parser("serving.score", __doc__).parse_args()
    exit_with_sentence(lambda: score(chosen.ds))


def score(ds: str) -> None:
    """Publish the table `scores` of one day.

    Raises:
        LakeError: the marts of that day were not built.
        ModelError: the champion's files are not those that were registered.
        RegistryError: the registry does not answer.
        BusyError: another run is scoring.
    """
    settings = Settings.from_env()
    lake = Lake(settings.lake)
    with Report(settings.reports, ds).timed("score") as fragment, lake.lock("score"):
        people = consenting_people(read_mart(lake, "dim_person_profile", ds, ["person_id", "consent_personalisation"]))
        histories = read_mart(lake, "training_sequences", ds, ["person_id", "item_ids"])
        items = read_mart(lake, "dim_item", ds, ["item_id", "title", "interactions"]).to_pandas()
        predict, version = champion_or_popularity(Registry.of(settings), items)
        titles = dict(zip(items["item_id"], items["title"], strict=True))

        file = lake.staging("score") / "scores.parquet"
        scored = 0
        with pq.ParquetWriter(file, _SCHEMA) as writer:
            for some, past in in_batches(people, histories):
                rows = recommendation_rows(some, predict(pd.DataFrame({"history": past})), titles, version)
                scored += rows["person_id"].nunique()
                writer.write_table(pa.Table.from_pandas(rows, schema=_SCHEMA, preserve_index=False))
        lake.publish("scores", ds, {file.name: file})
        fragment |= {"scored_people": scored, "failed_people": len(people) - scored}
    say(f"score: {scored:,} people scored by {MODEL} version {version}, {len(people) - scored:,} failed")


def champion_or_popularity(registry: Registry, items: pd.DataFrame) -> tuple[Predict, str]:
    """What scores tonight, and the version to write beside its scores."""
    champion = registry.aliased(MODEL, CHAMPION)
    if champion is None:
        return popularity(items), POPULARITY_VERSION
    served = registry.load(champion)
    return lambda histories: served.predict(histories, params={"k": TOP}), champion.number


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


def recommendation_rows(
    people: np.ndarray, answers: pd.DataFrame, titles: Mapping[str, str], version: str
) -> pd.DataFrame:
    """The rows of the table `scores`, by person and rank; a person with an empty answer has none."""
    rows = answers.assign(person_id=people).explode(["items", "scores", "because"]).dropna(subset="items")
    return pd.DataFrame(
        {
            "person_id": rows["person_id"],
            "rank": rows.groupby("person_id").cumcount() + 1,
            "item_id": rows["items"],
            "score": rows["scores"].astype(float),
            "reason": [reason(because, titles) for because in rows["because"]],
            "model_version": version,
        }
    )


def reason(because: str | None, titles: Mapping[str, str]) -> str:
    """Why, in words for the person; `because` is the nearest item of the history, or None without history."""
    return POPULAR if because is None else f"because you looked at {titles.get(because, because)}"


if __name__ == "__main__":
    main()
