"""The tables `plans` and `plan_books`: written before anything leaves, read by what lets it leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from activation.audiences.campaigns import Campaign
from activation.audiences.selection import CHOSEN, Audience
from activation.planning.decision import PLANNED
from activation.planning.policy import Policy
from contracts.errors import LakeError, NightshiftError
from contracts.lake import Lake
from contracts.tables.activation import OUTCOMES, PLAN_BOOKS, PLANS
from lake_tables.arrow import ROWS_A_GROUP, arrow_schema, id_range, read_table


class Candidates:
    """The messages that a campaign asks for, batch by batch, on disk; and what became of everybody."""

    def __init__(self, campaign: Campaign, policy: Policy, file: Path) -> None:
        self.campaign, self.cost, self._file = campaign, policy.cost_euros(campaign), file
        everybody = policy.holdout_from(campaign)
        self._share_of_all = 1.0 if everybody is None else 1.0 - everybody.holdout
        self._writer = pq.ParquetWriter(file, arrow_schema(PLANS))
        self._outcomes: list[np.ndarray] = []
        self._expected: list[np.ndarray] = []

    def add(self, audience: Audience, responses: pd.DataFrame, uplifts: pd.DataFrame) -> None:
        """Take the people of one batch; no person may be in two.

        A message is worth what sending adds, where a model learned that from an experiment of the campaign, else what
        comes in from those who respond.

        Args:
            responses: person_id, campaign, and expected_value where it is known.
            uplifts: person_id, campaign, uplift_euros.
        """
        rows = audience.rows
        expected = np.full(len(rows), np.nan)
        if self.campaign.sends is not None and "expected_value" in responses:
            own = responses[responses["campaign"] == self.campaign.sends].set_index("person_id")["expected_value"]
            expected = rows["person_id"].map(own).to_numpy("float64", na_value=np.nan)
        if self.campaign.experiment is not None:
            added = uplifts[uplifts["campaign"] == self.campaign.name].set_index("person_id")["uplift_euros"]
            known = rows["person_id"].map(added).to_numpy("float64", na_value=np.nan)
            expected = np.where(np.isnan(known), expected, known)
        self._outcomes.append(audience.outcomes)
        self._expected.append(expected)
        self._writer.write_table(self._messages(audience, expected))

    def _messages(self, audience: Audience, expected: np.ndarray) -> pa.Table:
        rows, experiment = audience.rows, self.campaign.experiment
        places = rows[[f"item_{place}" for place in range(1, self.campaign.item_count + 1)]].to_numpy(object)
        taken = ~pd.isna(places)  # (rows, places)
        ends = np.concatenate([[0], taken.sum(1).cumsum()]).astype(np.int32)
        explored = audience.explored
        chances = np.ones(places.shape) if explored is None else explored.propensities
        arms = rows["arm"] if experiment else pd.Series(None, index=rows.index, dtype="string")
        shares = arms.map(experiment.variants).to_numpy("float64") if experiment else np.ones(len(rows))
        columns = {
            "person_id": pa.array(rows["person_id"], pa.string()),
            "campaign": pa.repeat(pa.scalar(self.campaign.name), len(rows)),
            "channel": pa.repeat(pa.scalar(self.campaign.channel), len(rows)),
            "arm": pa.array(arms, pa.string()),
            "items": pa.ListArray.from_arrays(ends, pa.array(places[taken], pa.string())),
            "item_propensities": pa.ListArray.from_arrays(ends, pa.array(chances[taken], pa.float64())),
            "pool": pa.nulls(len(rows), pa.list_(pa.string())) if explored is None else _lists(explored.pool),
            "propensity": pa.array(self._share_of_all * shares, pa.float64()),
            "expected_value": pa.array(expected, pa.float64(), from_pandas=True),
            "cost": pa.array(np.full(len(rows), self.cost), pa.float64()),
        }
        return pa.table(columns, schema=arrow_schema(PLANS))

    def close(self) -> None:
        self._writer.close()

    def outcomes(self) -> np.ndarray:
        """What selection says of everybody, in the order of their ids (people,)."""
        return np.concatenate(self._outcomes)

    def expected(self) -> np.ndarray:
        """Euros expected of everybody's message; not a number for people of whom no model says them (people,)."""
        outcomes = self.outcomes()
        values = np.full(len(outcomes), np.nan)
        values[outcomes == CHOSEN] = np.concatenate(self._expected)
        return values

    def planned(self, decided: np.ndarray, file: Path) -> dict[str, float | None]:
        """Write those messages that were decided for; returns `expected_value` and `cost` of them.

        Args:
            decided: places in `OUTCOMES` (people,).
        """
        is_planned = (decided == PLANNED)[self.outcomes() == CHOSEN]
        values: list[float] = []
        start = 0
        with pq.ParquetFile(self._file) as candidates, pq.ParquetWriter(file, arrow_schema(PLANS)) as writer:
            for batch in candidates.iter_batches(ROWS_A_GROUP):
                rows = pa.table(batch).filter(pa.array(is_planned[start : start + len(batch)]))
                start += len(batch)
                if rows.num_rows:
                    writer.write_table(rows.cast(arrow_schema(PLANS)))
                values.append(pc.sum(rows["expected_value"]).as_py())
        known = [value for value in values if value is not None]
        cost = float(is_planned.sum()) * self.cost
        return {"expected_value": sum(known) if known else None, "cost": round(cost, 6)}


def _lists(texts: np.ndarray) -> pa.ListArray:
    """Rows of texts, None behind the last of each (rows, columns), as lists."""
    there = texts != None  # noqa: E711
    ends = np.concatenate([[0], there.sum(1).cumsum()]).astype(np.int32)
    return pa.ListArray.from_arrays(ends, pa.array(texts[there], pa.string()))


def books_of(name: str, decided: np.ndarray, considered: int) -> dict[str, int]:
    """`considered`, and how many people have each outcome.

    Raises:
        LakeError: somebody is lost, or counted twice.
    """
    counts = np.bincount(decided, minlength=len(OUTCOMES))
    books = {"considered": considered, **{outcome: int(counts[place]) for place, outcome in enumerate(OUTCOMES)}}
    if counts.sum() != considered or len(counts) > len(OUTCOMES):
        raise LakeError(
            expected=f"{considered} people of campaign {name} = {' + '.join(OUTCOMES)}",
            received=f"{int(counts.sum())}: {books}",
            remedy="report this; nothing was planned for that night",
        )
    return books


def publish_plans(lake: Lake, ds: str, plans: Mapping[str, Path], books: Sequence[dict[str, Any]], file: Path) -> None:
    """Publish the messages, and then the books by which they are known to be complete."""
    table = pa.Table.from_pylist(list(books), schema=arrow_schema(PLAN_BOOKS))
    pq.write_table(table, file)
    lake.publish(PLANS.name, ds, plans)
    lake.publish(PLAN_BOOKS.name, ds, {file.name: file})


@dataclass(frozen=True)
class NightPlans:
    """The plan of a night, for what lets audiences leave; a night may have none."""

    lake: Lake
    ds: str
    definitions: dict[str, str] | None
    """Campaign -> what it was when it was planned; nothing for a night without a plan."""

    @classmethod
    def read(cls, lake: Lake, ds: str) -> NightPlans:
        if ds not in lake.days(PLAN_BOOKS.name):
            return cls(lake, ds, None)
        rows = read_table(lake.partition(PLAN_BOOKS.name, ds), ["campaign", "definition"]).to_pylist()
        return cls(lake, ds, {row["campaign"]: row["definition"] for row in rows})

    def outdated(self, campaigns: Mapping[str, Campaign], policy: Policy) -> dict[str, NightshiftError]:
        """Campaign -> its error, for each that was not planned as it, and the policy, are now.

        Args:
            campaigns: those that can be understood, by name.
        """
        if self.definitions is None:
            return {}
        return {name: self._error(name) for name in campaigns if not self._is_current(policy, campaigns[name])}

    def of(self, people: pd.Series) -> dict[str, pd.DataFrame] | None:
        """Campaign -> person_id and items of a batch's planned messages; nothing for a night without a plan."""
        if self.definitions is None:
            return None
        columns = ["person_id", "campaign", "items"]
        if self.lake.files(PLANS.name, self.ds):
            folder = self.lake.partition(PLANS.name, self.ds)
            planned = read_table(folder, columns, people=id_range(people)).to_pandas()
        else:
            planned = pd.DataFrame({name: [] for name in columns})
        return {name: planned.loc[planned["campaign"] == name, ["person_id", "items"]] for name in self.definitions}

    def _is_current(self, policy: Policy, campaign: Campaign) -> bool:
        return self.definitions.get(campaign.name) == policy.definition(campaign)

    def _error(self, name: str) -> LakeError:
        return LakeError(
            expected=f"a plan of {self.ds} made of {name}, the policy and the rules as they are now",
            received="one of other ones" if name in self.definitions else "one without it",
            remedy=f"run `python -m activation.plan --ds {self.ds}` first",
        )
