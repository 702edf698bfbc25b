"""What the champions predict of each person: taste, interests in photos, chance to leave, best campaign."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.tables.served import PREDICTIONS
from serving.scoring.champions import Champion, Champions
from serving.scoring.histories import in_batches
from serving.scoring.marts import Marts
from serving.scoring.photo_interests import person_interests

_PHOTOS_A_BATCH = 512

NO_RESPONSES = pd.DataFrame(columns=["person_id", "leave_chance", "expected_value", "campaign"])


def predict_people(
    raw: Path, people: np.ndarray, marts: Marts, best: pd.DataFrame, champions: Champions
) -> pd.DataFrame:
    """The rows of the table `predictions`, one a person (people,), by person id.

    Args:
        best: what `best_campaigns` finds.
    """
    parts = [
        taste_vectors(people, marts.histories, champions.get("taste_autoencoder")),
        photo_interests(raw, marts.photos, people, champions.get("interest_vision")),
        best,
    ]
    rows = pd.DataFrame({"person_id": people})
    for part in parts:
        rows = rows.merge(part, how="left", on="person_id")
    return rows[PREDICTIONS.column_names]


def taste_vectors(people: np.ndarray, histories: pa.Table, champion: Champion | None) -> pd.DataFrame:
    """person_id and taste_vector of everyone with an item in the history that the autoencoder knows."""
    found = []
    for batch, past in in_batches(people, histories) if champion else ():
        vectors = champion.predict(past[["history"]], k=1)["taste_vector"]
        known = [bool(np.any(vector)) for vector in vectors]
        found.append(pd.DataFrame({"person_id": batch, "taste_vector": vectors.to_numpy()})[known])
    return pd.concat(found) if found else pd.DataFrame({"person_id": [], "taste_vector": []}, dtype=object)


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
