"""What scoring reads of one day: each table once, at the beginning, and only of people who agreed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from contracts.lake import Lake
from contracts.tables.marts import ITEM, SCORING_RESPONSES, SCORING_SEQUENCES
from lake_tables.arrow import arrow_schema, read_mart
from lake_tables.consent import Consenting
from lake_tables.shown.catalogue import Catalogue
from serving.scoring.champions import Champions
from serving.scoring.histories import read_histories, read_tastes
from serving.scoring.media import MEDIA, Medium


@dataclass(frozen=True)
class Marts:
    """The marts of one day, as the champions read them."""

    people: np.ndarray
    """Ids of everyone who agreed to personalisation, sorted (people,)."""
    histories: pa.Table
    """What `read_histories` returns."""
    tastes: pa.Table
    """person_id, taste_vector on the latest earlier day that has predictions."""
    items: pd.DataFrame
    """item_id, title, category, brand, margin."""
    catalogue: Catalogue
    """The same items, as lists are chosen of them."""
    recipients: pa.Table
    """The mart `scoring_responses`, by person and campaign."""
    posted: Mapping[str, pd.DataFrame]
    """Name of a medium -> person_id, path: such files of people who agreed to profiling, by person and path."""

    @classmethod
    def read(cls, lake: Lake, ds: str, champions: Champions) -> Marts:
        """Read and check them; rows that only a champion reads that is not there are left out.

        Raises:
            LakeError: the marts of that day were not built, or hold people who did not agree to personalisation.
        """
        consenting = Consenting.read(lake, ds, "personalisation")
        histories = read_histories(lake, ds)
        consenting.require_agreed(SCORING_SEQUENCES.name, histories["person_id"].to_numpy())
        recipients = arrow_schema(SCORING_RESPONSES).empty_table()
        if any(champions.get(model) is not None for model in ("response", "uplift")):
            recipients = read_mart(lake, SCORING_RESPONSES.name, ds, SCORING_RESPONSES.column_names)
            recipients = recipients.sort_by([(name, "ascending") for name in SCORING_RESPONSES.key])
            consenting.require_agreed(SCORING_RESPONSES.name, recipients["person_id"].to_numpy())
        return cls(
            people=consenting.people,
            histories=histories,
            tastes=read_tastes(lake, ds),
            items=read_items(lake, ds),
            catalogue=Catalogue.read(lake, ds),
            recipients=recipients,
            posted={
                medium.name: read_posted(lake, ds, medium)
                for medium in MEDIA
                if champions.get(medium.model) is not None
            },
        )


def read_items(lake: Lake, ds: str) -> pd.DataFrame:
    """The catalogue: item_id, title, category, and brand and margin, empty for a release that did not know them."""
    columns = ["item_id", "title", "category"]
    items = read_mart(lake, ITEM.name, ds, columns, optional=["brand", "margin"]).to_pandas()
    return items.reindex(columns=[*columns, "brand", "margin"])


def read_posted(lake: Lake, ds: str, medium: Medium) -> pd.DataFrame:
    """person_id, path of the files of a kind that people who agreed to profiling have posted, by person and path."""
    files = read_mart(lake, medium.table.name, ds, ["person_id", "path", "consent_profiling"])
    posted = files.filter(pc.field("consent_profiling") & pc.is_valid(pc.field("person_id")))
    return posted.select(["person_id", "path"]).to_pandas().sort_values(["person_id", "path"], ignore_index=True)
