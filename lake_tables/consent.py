"""Consent of people: `dim_person_consent` of a day, and what they have decided since it was built.

The latest decision of a person on a purpose holds, over all identifiers; of two at one moment the withdrawal. The dbt
model `int_consents__decided` states this rule for the marts, `refused_identifiers` states it for what arrived
after them; a test compares the two on random decisions.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.tables.mapped import CONSENTS
from contracts.tables.marts import CONSENT
from contracts.tables.resolved import PERSONS
from contracts.tables.vocabulary import PURPOSES
from lake_tables.arrow import read_mart, read_table
from lake_tables.within_contract import read_within_contract


@dataclass(frozen=True)
class Consenting:
    """The people who agree to one purpose, by `dim_person_consent` of a day."""

    purpose: str
    ds: str
    people: np.ndarray
    """Their ids, sorted (people,)."""

    @classmethod
    def read(cls, lake: Lake, ds: str, purpose: str) -> Consenting:
        """Read them; no decision is no consent.

        Raises:
            LakeError: the marts of that day were not built.
        """
        column = f"consent_{purpose}"
        consents = read_mart(lake, CONSENT.name, ds, ["person_id", column])
        return cls(purpose, ds, np.sort(consents.filter(pc.field(column))["person_id"].to_numpy()))

    def require_agreed(self, table: str, person_ids: np.ndarray) -> None:
        """Refuse a table about people of whom one does not agree: the second check, after the mart's own.

        Args:
            table: its name, for the error.
            person_ids: its people (rows,).

        Raises:
            LakeError: one of them does not agree, or is not in `dim_person_consent`.
        """
        others = np.setdiff1d(person_ids.astype(str), self.people.astype(str))
        if len(others):
            raise LakeError(
                expected=f"only people with consent_{self.purpose} of {CONSENT.name} of {self.ds} in {table}",
                received=f"{len(others):,} people without it",
                remedy="build the marts of that day again; nothing was made of it",
            )


def latest_consents(lake: Lake, ds: str) -> pd.DataFrame:
    """The mart `dim_person_consent` of a day, without what was withdrawn since, as far as it has been mapped.

    Scores and marts are of a day; whoever withdrew afterwards is not exported by them. A decision counts for the people
    whose identifiers are now one with the identifier that it was made under, and for those that were on that day.

    Raises:
        LakeError: the marts or the persons of that day are missing.
    """
    consents = read_mart(lake, CONSENT.name, ds, CONSENT.column_names).to_pandas()
    decided, resolved = lake.days(CONSENTS.name), lake.days(PERSONS.name)
    if not decided:
        return consents
    lake.require(PERSONS.name, ds, made_by=f"spark_jobs/main.py resolve --ds {ds}")
    of_day = _owners(lake, ds)
    decisions = _decisions(lake, decided)
    refused = pd.concat(
        [refused_identifiers(decisions, owners) for owners in (of_day, _owners(lake, resolved[-1]))]
    ).drop_duplicates()
    refused["person_id"] = refused["identifier"].map(of_day)
    for purpose in PURPOSES:
        column = f"consent_{purpose}"
        withdrawn = consents["person_id"].isin(refused.loc[refused["purpose"] == purpose, "person_id"])
        consents[column] = consents[column].astype(bool) & ~withdrawn
    return consents


def refused_identifiers(decisions: pd.DataFrame, owners: pd.Series) -> pd.DataFrame:
    """identifier and purpose of every identifier of people whose latest decision is no; of equal moments no counts.

    Args:
        decisions: identifier, purpose, granted, occurred_at.
        owners: person id by identifier.
    """
    owned = decisions.assign(person_id=decisions["identifier"].map(owners)).dropna(subset="person_id")
    owned = owned.sort_values(["occurred_at", "granted"], ascending=[False, True], kind="stable")
    latest = owned.drop_duplicates(["person_id", "purpose"])
    no = latest.loc[~latest["granted"].astype(bool), ["person_id", "purpose"]]
    identifiers = pd.DataFrame({"identifier": owners.index, "person_id": owners.to_numpy()})
    return no.merge(identifiers, on="person_id")[["identifier", "purpose"]]


def _owners(lake: Lake, ds: str) -> pd.Series:
    rows = read_table(lake.partition(PERSONS.name, ds), ["identifier", "person_id"]).to_pandas()
    return rows.set_index("identifier")["person_id"]


def _decisions(lake: Lake, days: list[str]) -> pd.DataFrame:
    """All decisions that have arrived; one of a clock that runs ahead of the newest day does not count yet."""
    columns = ["identifier", "purpose", "granted", "occurred_at"]
    rows = read_within_contract(lake, CONSENTS, days, columns).to_pandas()
    moments = pd.to_datetime(rows["occurred_at"], utc=True)
    end = pd.Timestamp(datetime.date.fromisoformat(days[-1]) + datetime.timedelta(days=1), tz="UTC")
    return rows.assign(occurred_at=moments)[moments < end]
