"""What versions in shadow would recommend, in the table `shadow_scores`: the same lists, for nobody's eyes.

They rank whom their model's champion ranks, everybody anew each night, and the night after says what their lists would
have been worth (`realised`). Why an item is recommended is not asked, as nobody is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.lake import Lake
from contracts.report import say
from contracts.tables.served import SHADOW_SCORES
from lake_tables.arrow import arrow_schema
from serving.scoring.champions import Champion, Champions
from serving.scoring.histories import in_batches
from serving.scoring.marts import Marts
from serving.scoring.recommendations import recommend
from serving.scoring.shelf import TOP, Demand, Shelf


def publish_shadow_scores(lake: Lake, ds: str, people: np.ndarray, marts: Marts, champions: Champions) -> dict:
    """Publish `shadow_scores` of a day; without a version in shadow no partition of it is left.

    Args:
        people: ids, sorted (people,).

    Returns:
        People whom each version has ranked, for the report.
    """
    shadows = champions.shadows()
    ranked: dict[str, int] = {}
    if shadows:
        file = lake.staging("score") / f"{SHADOW_SCORES.name}.parquet"
        ranked = write_shadow_scores(file, people, marts, champions, shadows)
        lake.publish(SHADOW_SCORES.name, ds, {file.name: file})
    elif ds in lake.days(SHADOW_SCORES.name):
        lake.publish(SHADOW_SCORES.name, ds, {})
    for version, count in ranked.items():
        say(f"score: {count:,} people ranked by {version} in shadow, shown to nobody")
    return ranked


def write_shadow_scores(
    file: Path, people: np.ndarray, marts: Marts, champions: Champions, shadows: Sequence[Champion]
) -> dict[str, int]:
    """Write the ten items that each would recommend to whom it ranks; returns how many people these are."""
    replaced = champions.replaced_by(shadows)
    shelf = Shelf.of(marts.items, Demand(most=0))  # no campaign carries any of it, so that reasons are not looked for
    ranked = {shadow.name: 0 for shadow in shadows}
    with pq.ParquetWriter(file, arrow_schema(SHADOW_SCORES)) as writer:
        for batch, histories in in_batches(people, marts.histories, marts.tastes):
            rows = recommend(batch, histories, marts.items, replaced, shelf)
            rows = rows[rows["model_version"].isin(ranked) & (rows["rank"] <= TOP)].assign(reason=None)
            writer.write_table(pa.Table.from_pandas(rows, schema=arrow_schema(SHADOW_SCORES), preserve_index=False))
            for version, count in rows.groupby("model_version")["person_id"].nunique().items():
                ranked[version] += int(count)
    return ranked
