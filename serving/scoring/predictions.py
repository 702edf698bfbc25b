"""What the champions predict of each person: taste, interests in photos, chance to leave, best campaign."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.tables.served import PREDICTIONS
from lake_tables.arrow import arrow_schema, vector_array
from serving.scoring.champions import Champion
from serving.scoring.photo_interests import person_interests

_PHOTOS_A_BATCH = 512

NO_RESPONSES = pd.DataFrame(columns=["person_id", "leave_chance", "expected_value", "campaign"])


def predict_people(
    people: np.ndarray,
    tastes: pa.Array,
    passed_over: pa.Array,
    inputs: np.ndarray,
    photos: pd.DataFrame,
    best: pd.DataFrame,
) -> pa.Table:
    """The rows of the table `predictions` of some people, in their order.

    Args:
        people: person ids (people,).
        tastes: what `taste_vectors` finds (people,).
        passed_over: items that would have been recommended, if they could be had (people,).
        inputs: what `inputs_of` finds (people,).
        photos: what `photo_interests` finds.
        best: what `best_campaigns` finds.
    """
    rows = pd.DataFrame({"person_id": people, "inputs": inputs})
    for part in (photos, best):
        rows = rows.merge(part, how="left", on="person_id")
    found = pa.Table.from_pandas(rows, preserve_index=False)
    found = found.append_column("taste_vector", tastes).append_column("passed_over", passed_over)
    return found.select(PREDICTIONS.column_names).cast(arrow_schema(PREDICTIONS))


def taste_vectors(histories: pd.DataFrame, champion: Champion | None) -> pa.Array:
    """The taste of each history, null for those without an item that the autoencoder knows (people,)."""
    if champion is None:
        return pa.nulls(len(histories), pa.list_(pa.float64()))
    if hasattr(champion.model, "tastes"):
        tastes = champion.model.tastes(histories["history"].tolist())
    else:  # a version of before that
        tastes = np.array(champion.predict(histories[["history"]], k=1)["taste_vector"].tolist())
    return vector_array(tastes, tastes.any(axis=1))


def photo_interests(raw: Path, photos: pd.DataFrame, people: np.ndarray, champion: Champion | None) -> pd.DataFrame:
    """person_id and picture_interests of everyone among `people` who posted photos.

    Args:
        raw: folder of raw deliveries, below which the photos lie.
        photos: person_id, path, by person and path.
    """
    empty = pd.DataFrame({"person_id": [], "picture_interests": []}, dtype=object)
    posted = photos[photos["person_id"].isin(people)].reset_index(drop=True)
    if champion is None or posted.empty:
        return empty
    answers = pd.concat(
        [
            champion.predict(pd.DataFrame({"picture": [_content(raw, path) for path in paths]}))
            for paths in np.array_split(posted["path"], -(-len(posted) // _PHOTOS_A_BATCH))
        ],
        ignore_index=True,
    )
    readable = answers["category"].notna().to_numpy()
    if not readable.any():
        return empty
    categories = list(answers.loc[readable, "categories"].iloc[0])
    probabilities = np.stack(answers.loc[readable, "probabilities"].to_list())  # (photos, categories)
    of_person = posted["person_id"][readable].reset_index(drop=True)
    found = {
        person: [
            {"category": category, "weight": weight, "confidence": confidence}
            for category, weight, confidence in person_interests(probabilities[rows], categories)
        ]
        for person, rows in of_person.groupby(of_person).indices.items()
    }
    return pd.DataFrame({"person_id": list(found), "picture_interests": list(found.values())})


def _content(raw: Path, path: str) -> bytes:
    """A photo's bytes; none where it was removed or lies elsewhere, which the model treats like a broken one."""
    file = (raw / path).resolve()
    return file.read_bytes() if file.is_relative_to(raw) and file.is_file() else b""


def best_campaigns(responses: pd.DataFrame) -> pd.DataFrame:
    """person_id, leave_chance, and the campaign of the highest expected value; ties by name."""
    ranked = responses.sort_values(["person_id", "expected_value", "campaign"], ascending=[True, False, True])
    best = ranked.drop_duplicates("person_id")
    return best[["person_id", "leave_chance", "expected_value", "campaign"]].rename(
        columns={"campaign": "best_campaign"}
    )
