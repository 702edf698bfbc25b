"""Who may be scored and who may be exported: `dim_person_consent`, and what people have decided since it was built."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.tables.mapped import CONSENTS
from contracts.tables.marts import CONSENT
from contracts.tables.resolved import PERSONS
from contracts.tables.vocabulary import PURPOSES
from lake_tables.arrow import read_mart, read_table


def consenting_people(consents: pa.Table) -> np.ndarray:
    """Ids of those who agreed to personalisation, sorted (people,)."""
    return np.sort(consents.filter(pc.field("consent_personalisation"))["person_id"].to_numpy())


def require_agreed(table: str, person_ids: np.ndarray, people: np.ndarray) -> None:
    """Refuse a table with anybody in it who did not agree to personalisation.

    Args:
        person_ids: the people of the table (rows,).
        people: those who agreed (people,).

    Raises:
        LakeError: somebody did not.
    """
    others = np.setdiff1d(person_ids.astype(str), people.astype(str))
    if len(others):
        raise LakeError(
            expected=f"only people with consent_personalisation of {CONSENT.name} in {table}",
            received=f"{len(others):,} people without it",
            remedy="build the marts of that day again; nothing of it was published",
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
    """identifier and purpose of every identifier of people whose latest decision is no; at one moment, no counts.

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
    rows = pd.concat([read_table(lake.partition(CONSENTS.name, day), columns).to_pandas() for day in days])
    moments = pd.to_datetime(rows["occurred_at"], utc=True)
    end = pd.Timestamp(datetime.date.fromisoformat(days[-1]) + datetime.timedelta(days=1), tz="UTC")
    return rows.assign(occurred_at=moments)[moments < end]
