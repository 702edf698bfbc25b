"""The lists that the people of a batch are shown, where a policy has the experiment `challenger`."""

from __future__ import annotations

import duckdb
import pandas as pd

from contracts.lake import Lake
from contracts.report import say
from contracts.settings import duckdb_config
from contracts.tables.activation import CHALLENGER
from contracts.tables.served import SHADOW_SCORES
from lake_tables.arrow import id_range, read_table
from lake_tables.shown_lists import view_lists_by_arm


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
    folder, people = lake.partition(SHADOW_SCORES.name, ds), id_range(consents["person_id"])
    with duckdb.connect(config=duckdb_config()) as connection:
        connection.register("lists_of_champion", scores)
        connection.register("lists_in_shadow", read_table(folder, [*scores.columns], people=people))
        connection.register("arms", arms)
        view_lists_by_arm(connection, list(scores.columns))
        return connection.execute("from scores order by person_id, rank").df()


def say_without_shadow(lake: Lake, ds: str, *, step: str) -> None:
    """Say it where a policy has that experiment, and no version was in shadow."""
    if not lake.files(SHADOW_SCORES.name, ds):
        say(f"{step} {CHALLENGER}: no version was in shadow on {ds}: the lists of both arms are the champion's")
