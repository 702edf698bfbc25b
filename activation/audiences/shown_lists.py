"""Whose lists a person is shown: the champion's, or in the experiment `challenger` those of the version in shadow."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from contracts.lake import Lake
from contracts.report import say
from contracts.tables.activation import CHALLENGER
from contracts.tables.served import SHADOW_SCORES
from lake_tables.arrow import id_range, read_table


def with_lists_of_challenger(
    scores: pd.DataFrame, lake: Lake, ds: str, consents: pd.DataFrame, arms: pd.DataFrame | None
) -> pd.DataFrame:
    """The lists of a batch of people: in the arm `challenger` those of the version in shadow, where it ranked them.

    Args:
        scores: the champion's lists: person_id, rank, item_id, reason.
        consents: the people of the batch, by person id.
        arms: person_id, experiment, arm.
    """
    if arms is None or not lake.files(SHADOW_SCORES.name, ds):
        return scores
    shadow = _lists(lake, ds, list(scores.columns), consents)
    chosen = arms.loc[(arms["experiment"] == CHALLENGER) & (arms["arm"] == CHALLENGER), "person_id"]
    shown = shadow[shadow["person_id"].isin(chosen)]
    kept = scores[~scores["person_id"].isin(shown["person_id"])]
    return pd.concat([kept, shown]).sort_values(["person_id", "rank"], ignore_index=True)


def say_without_shadow(lake: Lake, ds: str, *, step: str) -> None:
    """Say it where a policy has that experiment, and no version was in shadow."""
    if not lake.files(SHADOW_SCORES.name, ds):
        say(f"{step} {CHALLENGER}: no version was in shadow on {ds}: the lists of both arms are the champion's")


def _lists(lake: Lake, ds: str, columns: Sequence[str], consents: pd.DataFrame) -> pd.DataFrame:
    folder = lake.partition(SHADOW_SCORES.name, ds)
    return read_table(folder, [*columns], people=id_range(consents["person_id"])).to_pandas()
