"""The table `item_vectors` of a night: what the title of each item means."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.lake import Lake
from contracts.tables.marts import ITEM
from contracts.tables.served import ITEM_VECTORS
from lake_tables.arrow import ROWS_A_GROUP, arrow_schema, read_mart, vector_array
from serving.words.model import TextModel, in_steps


@dataclass(frozen=True)
class Counted:
    """Items of a night."""

    items: int = 0
    untitled: int = 0
    """Without a title in the catalogue."""
    unread: int = 0
    """With a title that says nothing to the model: no letters, or of a script that it does not know."""

    @property
    def with_vector(self) -> int:
        return self.items - self.untitled - self.unread


def write_item_vectors(lake: Lake, ds: str, model: TextModel, file: Path) -> Counted:
    """Write the rows of `item_vectors` in the order of `dim_item`; some at a time, each title of them once.

    Raises:
        LakeError: the marts of that day were not built.
    """
    items = read_mart(lake, ITEM.name, ds, ["item_id", "title"])
    untitled = unread = 0
    with pq.ParquetWriter(file, arrow_schema(ITEM_VECTORS), use_dictionary=True) as writer:
        for start in range(0, len(items), ROWS_A_GROUP):
            some = items.slice(start, ROWS_A_GROUP).combine_chunks()
            # `dim_item` has the id in place of a title that the catalogue does not state
            titled = pc.and_(
                pc.not_equal(some["title"], some["item_id"]), pc.not_equal(pc.utf8_trim_whitespace(some["title"]), "")
            )
            titles = pc.if_else(titled, some["title"], pa.scalar("", pa.string())).combine_chunks().dictionary_encode()
            vectors = in_steps(model.embed(titles.dictionary.to_pylist()))[titles.indices.to_numpy()]
            known = vectors.any(axis=1)
            writer.write_table(
                pa.Table.from_arrays(
                    [
                        some["item_id"].combine_chunks(),
                        vector_array(vectors, known),
                        pc.if_else(pa.array(known), pa.scalar(model.name, pa.string()), pa.scalar(None, pa.string())),
                    ],
                    schema=arrow_schema(ITEM_VECTORS),
                )
            )
            has_title = titled.to_numpy()
            untitled += int((~has_title).sum())
            unread += int((has_title & ~known).sum())
    return Counted(len(items), untitled, unread)
