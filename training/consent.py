"""The second check of consent to training: the tables were made of people who agreed, and this looks once more."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.tables.marts import CONSENT


def require_agreed(lake: Lake, table: str, ds: str, person_ids: np.ndarray) -> None:
    """Refuse a table with anybody in it who does not agree to training.

    Args:
        table: which table of the day `ds` the people stand in, for the error.
        person_ids: its people (rows,).

    Raises:
        LakeError: somebody does not agree, by `dim_person_consent` of that day, or is not in it; or it was not built.
    """
    folder = lake.require(CONSENT.name, ds, made_by=f"python -m dbt_project.build --ds {ds}")
    files = sorted(folder.glob("*.parquet"))
    dataset = pq.ParquetDataset(files, memory_map=True, filters=pc.field("consent_training"))
    agreed = dataset.read(columns=["person_id"]).column("person_id").to_numpy()
    others = np.setdiff1d(person_ids.astype(str), agreed.astype(str))
    if len(others):
        raise LakeError(
            expected=f"only people with consent_training of {CONSENT.name} of {ds} in {table}",
            received=f"{len(others):,} people without it",
            remedy="build the marts of that day again; nothing was learned",
        )
