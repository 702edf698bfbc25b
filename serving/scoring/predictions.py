"""What the champions predict of each person: taste, interests in photos and sounds, chance to leave, best campaign."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.tables.served import PREDICTIONS
from lake_tables.arrow import arrow_schema, vector_array
from serving.scoring.champions import Champion

NO_RESPONSES = pd.DataFrame(columns=["person_id", "leave_chance", "expected_value", "campaign"])


def predict_people(
    people: np.ndarray,
    tastes: pa.Array,
    passed_over: pa.Array,
    inputs: np.ndarray,
    seen: Sequence[pd.DataFrame],
    best: pd.DataFrame,
) -> pa.Table:
    """The rows of the table `predictions` of some people, in their order.

    Args:
        people: person ids (people,).
        tastes: what `taste_vectors` finds (people,).
        passed_over: items that would have been recommended, if they could be had (people,).
        inputs: what `inputs_of` finds (people,).
        seen: what `media_interests` finds in each kind of media.
        best: what `best_campaigns` finds.
    """
    rows = pd.DataFrame({"person_id": people, "inputs": inputs})
    for part in (*seen, best):
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


def best_campaigns(responses: pd.DataFrame) -> pd.DataFrame:
    """person_id, leave_chance, and the campaign of the highest expected value; ties by name."""
    ranked = responses.sort_values(["person_id", "expected_value", "campaign"], ascending=[True, False, True])
    best = ranked.drop_duplicates("person_id")
    return best[["person_id", "leave_chance", "expected_value", "campaign"]].rename(
        columns={"campaign": "best_campaign"}
    )
