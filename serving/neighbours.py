"""Publish which items are similar: the table `item_neighbours`, at most 20 neighbours an item and kind.

behaviour  the same people acted on both, among those who agreed to training, at least five behind each pair
content    category, words of the title and price are alike

Every item has neighbours, one that is not available too, and only available items are neighbours; variants, which share
a title, are none of each other, and of several the one that most people acted on is named. Of equal scores the item
that more people acted on is first, then the smaller id.

    python -m serving.neighbours --ds 2026-11-20
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.arguments import day_parser
from contracts.entry_point import exit_with_sentence
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.settings import Settings
from contracts.tables.marts import ITEM, TRAINING_SEQUENCES
from contracts.tables.served import ITEM_NEIGHBOURS, MOST_NEIGHBOURS, NEIGHBOUR_KINDS
from lake_tables.arrow import ROWS_A_GROUP, arrow_schema, read_mart
from lake_tables.consent import Consenting
from lake_tables.shown.catalogue import Catalogue, morning_after
from lake_tables.shown.rules import Rules, read_rules
from lake_tables.shown.showcase import Showcase
from serving.similarity.behaviour import by_behaviour, read_acts
from serving.similarity.best import Pairs
from serving.similarity.content import by_content
from serving.similarity.items import Items


def main() -> None:
    chosen = day_parser("serving.neighbours", __doc__).parse_args()
    exit_with_sentence(lambda: publish_neighbours(chosen.ds))


def publish_neighbours(ds: str) -> None:
    """Publish `item_neighbours` of one day.

    Raises:
        LakeError: the marts of that day were not built, or a person in them did not agree to training.
        BusyError: another run of this is at work.
    """
    settings = Settings.from_env()
    lake = Lake(settings.home.lake)
    with lake.step("neighbours"), Report(settings.home.reports, ds).timed("neighbours") as fragment:
        items = read_items(lake, ds, read_rules(settings.rules))
        require_agreed(lake, ds)
        acts = read_acts(lake.partition(TRAINING_SEQUENCES.name, ds), items)
        found = {
            "behaviour": by_behaviour(acts, items, most=MOST_NEIGHBOURS),
            "content": by_content(items, most=MOST_NEIGHBOURS),
        }
        file = lake.staging("neighbours") / f"{ITEM_NEIGHBOURS.name}.parquet"
        write(file, items, found)
        lake.publish(ITEM_NEIGHBOURS.name, ds, {file.name: file})
        with_any = {kind: len(np.unique(found[kind].items)) for kind in NEIGHBOUR_KINDS}
        fragment["item_neighbours"] = {"items": len(items), **{f"with_{kind}": with_any[kind] for kind in with_any}}
    say(
        f"neighbours: of {len(items):,} items {with_any['behaviour']:,} have neighbours by behaviour, of "
        f"{acts.shape[0]:,} people, and {with_any['content']:,} by content"
    )


def read_items(lake: Lake, ds: str, rules: Rules | None = None) -> Items:
    """The catalogue of a day, of which what may be shown on the morning after it can be named.

    Raises:
        LakeError: the marts of that day were not built.
    """
    rows = read_mart(lake, ITEM.name, ds, ["item_id", "title", "category", "price", "interactions"])
    may = Showcase.of(Catalogue.read(lake, ds), rules or Rules(), morning_after(ds)).may
    return Items.of(rows.append_column("available", pa.array(may)))


def require_agreed(lake: Lake, ds: str) -> None:
    """Refuse acts of people who did not agree to training: the second check, after the mart's own.

    Raises:
        LakeError: there are some, or the marts of that day were not built.
    """
    people = read_mart(lake, TRAINING_SEQUENCES.name, ds, ["person_id"])["person_id"].to_numpy()
    Consenting.read(lake, ds, "training").require_agreed(TRAINING_SEQUENCES.name, people)


def write(file: Path, items: Items, found: dict[str, Pairs]) -> None:
    """Write the rows, by item, kind and rank.

    Args:
        found: the pairs of each kind.
    """
    with pq.ParquetWriter(file, arrow_schema(ITEM_NEIGHBOURS)) as writer:
        for rows in _rows(items, found):
            writer.write_table(rows)


def _rows(items: Items, found: dict[str, Pairs]) -> Iterator[pa.Table]:
    """Some rows at a time, ordered by the key of the table."""
    ids = items.ids
    name_order = np.argsort(ids.to_numpy(zero_copy_only=False), kind="stable")
    place_by_name = np.empty(len(ids), "int64")
    place_by_name[name_order] = np.arange(len(ids))
    pairs = [found[kind] for kind in NEIGHBOUR_KINDS]
    kinds = np.repeat(np.arange(len(pairs)), [len(one.items) for one in pairs])
    of_item, neighbours = (np.concatenate([getattr(one, name) for one in pairs]) for name in ("items", "neighbours"))
    ranks, scores = np.concatenate([one.ranks() for one in pairs]), np.concatenate([one.scores for one in pairs])
    order = np.lexsort((ranks, kinds, place_by_name[of_item]))
    kind_names = pa.array(NEIGHBOUR_KINDS)
    for start in range(0, len(order), ROWS_A_GROUP):
        part = order[start : start + ROWS_A_GROUP]
        columns = [
            ids.take(pa.array(of_item[part])),
            kind_names.take(pa.array(kinds[part])),
            pa.array(ranks[part].astype("int32")),
            ids.take(pa.array(neighbours[part])),
            pa.array(scores[part]),
        ]
        yield pa.Table.from_arrays(columns, schema=arrow_schema(ITEM_NEIGHBOURS))


if __name__ == "__main__":
    main()
