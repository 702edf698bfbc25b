"""What versions in shadow would recommend, in the table `shadow_scores`.

They rank whom their model's champion ranks, everybody anew each night, and the night after says what their lists would
have been worth (`realised`). Where the policy has an experiment `challenger`, an arm of people is shown them: then they
hold what campaigns carry, with reasons; else the ten best without, as nobody is told.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.checked_yaml import read_yaml
from contracts.errors import SettingsError
from contracts.lake import Lake
from contracts.report import say
from contracts.settings import Settings
from contracts.tables.activation import CHALLENGER
from contracts.tables.served import SHADOW_SCORES
from lake_tables.arrow import arrow_schema
from lake_tables.shown.catalogue import morning_after
from lake_tables.shown.rules import Rules
from serving.scoring.champions import Champion, Champions, vectors_for
from serving.scoring.histories import in_batches
from serving.scoring.marts import Marts
from serving.scoring.recommendations import recommend
from serving.scoring.shelf import Demand, Shelf, campaign_demand


def publish_shadow_scores(
    settings: Settings,
    lake: Lake,
    ds: str,
    people: np.ndarray,
    marts: Marts,
    champions: Champions,
    rules: Rules,
    due: pa.Table,
) -> dict[str, int]:
    """Publish `shadow_scores` of a day; without a version in shadow no partition of it is left.

    Args:
        people: ids, sorted (people,).
        rules: of what may be shown.
        due: what `items_due` finds.

    Returns:
        People whom each version has ranked, for the report.
    """
    shadows = champions.shadows()
    ranked: dict[str, int] = {}
    if shadows:
        file = lake.staging("score") / f"{SHADOW_SCORES.name}.parquet"
        # where no campaign carries any of it, reasons are not looked for
        demand = campaign_demand(settings.campaigns, rules.campaigns) if is_shown(settings.policy) else Demand(most=0)
        champions = champions.replaced_by(shadows)
        vectors = vectors_for(rules, champions.get("next_item"), marts.catalogue)
        shelf = Shelf.of(marts.catalogue, morning_after(ds), demand, rules, vectors)
        ranked = write_shadow_scores(file, people, marts, champions, shelf, shadows, due)
        lake.publish(SHADOW_SCORES.name, ds, {file.name: file})
    elif ds in lake.days(SHADOW_SCORES.name):
        lake.publish(SHADOW_SCORES.name, ds, {})
    for version, count in ranked.items():
        seen = "shown to an arm of people" if is_shown(settings.policy) else "shown to nobody"
        say(f"score: {count:,} people ranked by {version} in shadow, {seen}")
    return ranked


def is_shown(policy: Path) -> bool:
    """Whether the policy shows these lists to an arm of people; one that cannot be read, `activation.plan` names."""
    with contextlib.suppress(SettingsError):
        return policy.is_file() and CHALLENGER in read_yaml(policy, SettingsError).mapping()
    return False


def write_shadow_scores(
    file: Path,
    people: np.ndarray,
    marts: Marts,
    champions: Champions,
    shelf: Shelf,
    shadows: Sequence[Champion],
    due: pa.Table,
) -> dict[str, int]:
    """Write the lists of each version in shadow, of the people whom it ranks; returns how many these are.

    Args:
        champions: with the versions in shadow among them.
        due: what `items_due` finds.
    """
    ranked = {shadow.name: 0 for shadow in shadows}
    with pq.ParquetWriter(file, arrow_schema(SHADOW_SCORES)) as writer:
        for batch, histories in in_batches(people, marts.histories, marts.tastes, due):
            again = histories["item_ids"].tolist()
            histories = histories.drop(columns="item_ids")
            rows = recommend(batch, histories, marts.items, champions, shelf, again).rows
            rows = rows[rows["model_version"].isin(ranked)]
            writer.write_table(pa.Table.from_pandas(rows, schema=arrow_schema(SHADOW_SCORES), preserve_index=False))
            for version, count in rows.groupby("model_version")["person_id"].nunique().items():
                ranked[version] += int(count)
    return ranked
