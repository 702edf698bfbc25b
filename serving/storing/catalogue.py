"""Items of the store: their codes, what is shown of them, what is popular with whom, and what is like them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from contracts.lake import Lake
from contracts.tables.served import ITEM_NEIGHBOURS
from serving.online import layout
from serving.storing.writing import Writer

MOST_POPULAR = 500
"""Items that are kept of what is popular with everybody, and with a segment."""


@dataclass(frozen=True)
class Catalogue:
    """The items of a night, with their codes."""

    items: pd.DataFrame
    """item_id, title, category, price, interactions, available; row n has the code n + 1."""

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, known: Sequence[str], may_be_shown: pa.Table) -> Catalogue:
        """Number the items: first those that the model knows, in its order, then the others by id.

        Args:
            connection: with the views `dim_item` and `scores`.
            known: ids of the items that the champion of `next_item` knows, in its order.
            may_be_shown: item_id of what stock and rules let be shown on the morning after.
        """
        connection.register("known", pa.table({"item_id": list(known), "place": np.arange(len(known))}))
        connection.register("may_be_shown", may_be_shown)
        items = connection.execute("""
            with ids as (
                select item_id from dim_item union select item_id from scores union select item_id from known
            )
            select ids.item_id, coalesce(title, ids.item_id) as title, category, price,
                coalesce(interactions, 0) as interactions, ids.item_id in (from may_be_shown) as available
            from ids left join dim_item using (item_id) left join known using (item_id)
            order by place nulls last, ids.item_id
        """).df()
        connection.unregister("known")
        connection.unregister("may_be_shown")
        return cls(items)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def codes(self) -> pa.Table:
        """item_id, code."""
        return pa.table({"item_id": pa.array(self.items["item_id"]), "code": np.arange(1, len(self) + 1, dtype="u4")})

    @property
    def ended(self) -> tuple[int, ...]:
        """Codes of items that may not be shown: that cannot be had, or are excluded."""
        return tuple((np.flatnonzero(~self.items["available"].to_numpy(bool)) + 1).tolist())


def write_items(writer: Writer, catalogue: Catalogue) -> None:
    """The tables `items` and `codes`."""
    writer.put("items", _shown(catalogue.items))
    by_id = sorted((item.encode(), code) for code, item in enumerate(catalogue.items["item_id"], 1))
    writer.put("codes", ((item, layout.code_key(code)) for item, code in by_id))


def _shown(items: pd.DataFrame) -> Iterator[tuple[bytes, bytes]]:
    names = ("item_id", "title", "category", "price")
    for code, values in enumerate(zip(*(items[name] for name in names), strict=True), 1):
        shown = {name: None if pd.isna(value) else value for name, value in zip(names, values, strict=True)}
        yield layout.code_key(code), orjson.dumps(shown)


def write_popular(writer: Writer, connection: duckdb.DuckDBPyConnection, segments: Sequence[str]) -> None:
    """The table `popular`: items by how many people acted on them, ties by id; without those that have ended.

    Args:
        connection: with `coded` (item_id, code), `dim_item`, and where there are segments `in_segments`
            (person_id, code) and `scoring_sequences`.
    """
    everybody = connection.execute(f"""
        select code as item, interactions as people from dim_item join coded using (item_id)
        where interactions > 0 and code not in (select code from ended)
        order by interactions desc, item_id limit {MOST_POPULAR}
    """).fetchnumpy()
    rows = [(layout.segment_key(0), _packed(everybody))]
    if segments:
        found = connection.execute(f"""
            with acts as (
                select in_segments.code as segment, item_id, count(*) as people
                from (select person_id, unnest(item_ids) as item_id from scoring_sequences)
                join in_segments using (person_id) group by all
            )
            select segment, code as item, people from acts join coded using (item_id)
            where code not in (select code from ended)
            qualify row_number() over (partition by segment order by people desc, item_id) <= {MOST_POPULAR}
            order by segment, people desc, item_id
        """).fetchnumpy()
        for segment in np.unique(found["segment"]):
            chosen = found["segment"] == segment
            some = {name: found[name][chosen] for name in ("item", "people")}
            rows.append((layout.segment_key(int(segment)), _packed(some)))
    writer.put("popular", rows)


def _packed(columns: dict[str, np.ndarray]) -> bytes:
    rows = np.empty(len(columns["item"]), layout.POPULAR)
    for name in layout.POPULAR.names:
        rows[name] = columns[name]
    return rows.tobytes()


def write_neighbours(writer: Writer, connection: duckdb.DuckDBPyConnection, lake: Lake, ds: str) -> tuple[str, ...]:
    """The table `neighbours`, from what the night has found; returns the kinds. Without, there is none.

    Args:
        connection: with `coded` (item_id, code) and `ended` (code).
    """
    files = [str(file) for file in lake.files(ITEM_NEIGHBOURS.name, ds)]
    if not files:
        return ()
    rows = connection.execute(
        """
        select one.code as code, kind, other.code as item, score
        from read_parquet($files) as found
        join coded as one on one.item_id = found.item_id join coded as other on other.item_id = found.neighbour_id
        where other.code not in (select code from ended)
        order by one.code, kind, rank
        """,
        {"files": files},
    ).df()
    kinds = tuple(sorted(rows["kind"].unique()))
    packed = np.empty(len(rows), layout.NEIGHBOUR)
    packed["item"], packed["score"] = rows["item"], rows["score"]
    packed["kind"] = rows["kind"].map({kind: number for number, kind in enumerate(kinds)})
    starts = np.flatnonzero(np.concatenate([[True], np.diff(rows["code"].to_numpy()) != 0])) if len(rows) else []
    ends = [*starts[1:], len(rows)] if len(rows) else []
    codes = rows["code"].to_numpy()
    writer.put(
        "neighbours",
        (
            (layout.code_key(int(codes[start])), packed[start:end].tobytes())
            for start, end in zip(starts, ends, strict=True)
        ),
    )
    return kinds
