"""Reading experiments: whom a lot sent to and whom it held out, what came of it, and the parts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from contracts.errors import NothingToLearn
from training.models.response.features import NumberColumns, Rate
from training.models.uplift.table import ExperimentTable
from training.parts import Part
from training.people_rows import read_rows

CATEGORIES = ("campaign", "age_band", "gender", "region", "main_device", "favourite_category")
NUMBERS = (
    "recency_days",
    "tenure_days",
    "acts_7_days",
    "acts_28_days",
    "carts",
    "purchases",
    "monetary",
    "weekend_share",
    "campaign_visits",
)
OUTCOMES = {"click": "visited", "purchase": "purchased"}
"""Outcomes whose chances the model predicts, each with its column; the first one decides."""

CLICK, PURCHASE = 0, 1

MOST_ROWS = 5_000_000
"""Of a table of more rows, those of a sample of people are read."""

FEWEST = 5
"""Fewest people of each arm who came, and who did not, in each part."""

READ_AS = NumberColumns(
    rates={
        **dict.fromkeys(("carts", "purchases", "monetary", "campaign_visits"), Rate("tenure_days", fewest=7)),
        "acts_28_days": Rate("tenure_days", fewest=7, most=28),
    },
    caps={"tenure_days": 27.0},
)
"""What counts since the beginning is read as a rate, as `response` reads it."""

_TENTHS = {Part.TEST: (0, 1, 2), Part.VALIDATION: (3, 4)}


@dataclass(frozen=True)
class Experiments:
    """Rows of people who agreed to training."""

    table: ExperimentTable
    euros: np.ndarray
    """Euros of the orders within the window (rows,)."""

    @property
    def people(self) -> np.ndarray:
        """Person of each row (rows,)."""
        return self.table.people

    def content_hash(self) -> str:
        """SHA-256 over everything that training reads."""
        total = hashlib.sha256(self.table.content_hash().encode())
        total.update(self.euros.tobytes())
        return total.hexdigest()

    def describe(self) -> Mapping[str, int]:
        return {
            "people": len(np.unique(self.people)),
            "rows": len(self.table.rows),
            "experiments": self.table.rows["campaign"].nunique(),
            "rows_treated": int(self.table.treated.sum()),
            "rows_held_out": int((~self.table.treated).sum()),
            **{f"rows_{label}": int(self.table.outcomes[:, k].sum()) for k, label in enumerate(OUTCOMES.values())},
        }


def load_experiments(folder: Path) -> Experiments:
    """Read the table `training_uplift` of one day, which holds only people who agreed to training.

    Each person is in one part with all experiments. The chance of being sent to is the share that was, by experiment:
    the lot's own, but for those who were left out.

    Raises:
        LakeError: a column is missing.
        NothingToLearn: no experiment whose window is over, or too few people in it.
    """
    columns = ["person_id", "treated", *CATEGORIES, *NUMBERS, *OUTCOMES.values(), "euros"]
    rows = read_rows(folder, columns, most_rows=MOST_ROWS).to_pandas()
    if rows.empty:
        raise NothingToLearn(
            expected="people of an experiment whose window is over",
            received=f"no row in {folder}",
            remedy="give a campaign an `experiment`, as docs/loop.md shows, and wait a week",
        )
    rows = rows.sort_values(["person_id", "campaign"], kind="stable", ignore_index=True)
    shares = rows.groupby("campaign")["treated"].transform("mean")
    rows = rows[(shares > 0) & (shares < 1)].reset_index(drop=True)  # without both arms there is nothing to compare
    people, treated = rows["person_id"].to_numpy(object), rows["treated"].to_numpy(bool)
    outcomes = rows[list(OUTCOMES.values())].to_numpy(bool)
    parts = part_of_people(people)
    _require_enough(treated, outcomes[:, CLICK], parts, folder)
    table = ExperimentTable(
        rows=rows[[*CATEGORIES, *NUMBERS]],
        treated=treated,
        propensity=shares[(shares > 0) & (shares < 1)].to_numpy("float64"),
        outcomes=outcomes,
        parts=parts,
        numbers=NUMBERS,
        categories=CATEGORIES,
        names=tuple(OUTCOMES),
        people=people,
        columns=READ_AS,
    )
    return Experiments(table, rows["euros"].to_numpy("float64"))


def part_of_people(people: np.ndarray) -> np.ndarray:
    """Part of each row by its person: three tenths of the people are the test, two tenths the validation (rows,)."""
    tenth = pd.util.hash_array(people.astype(object), hash_key="uplift-parts-nts") % 10
    parts = np.full(len(people), Part.TRAIN, "int8")
    for part, tenths in _TENTHS.items():
        parts[np.isin(tenth, tenths)] = part
    return parts


def _require_enough(treated: np.ndarray, came: np.ndarray, parts: np.ndarray, folder: Path) -> None:
    counts = [
        int(np.count_nonzero((parts == part) & (treated == arm) & (came == outcome)))
        for part in Part
        for arm in (False, True)
        for outcome in (False, True)
    ]
    if min(counts) < FEWEST:
        raise NothingToLearn(
            expected=f"at least {FEWEST} people of each arm who came, and {FEWEST} who did not, in each of training, "
            "validation and test",
            received=f"{np.count_nonzero(treated)} sent to, of whom {np.count_nonzero(treated & came)} came, and "
            f"{np.count_nonzero(~treated)} held out, of whom {np.count_nonzero(~treated & came)} came, in {folder}",
            remedy="wait for more people, or raise the holdout",
        )
