"""Whom the policy leaves in peace tonight: suppression lists, quiet hours, rest after a purchase, limits.

All of it is one array a rule, over the people of the night in the order of their ids.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset

from activation.planning.policy import ChannelPolicy, Policy
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.pseudonyms import pseudonym
from contracts.settings import Settings, duckdb_config
from contracts.tables.activation import PLANS
from contracts.tables.marts import SUPPRESSION
from contracts.tables.resolved import PERSONS
from lake_tables.arrow import read_table

NO_LIMIT = 1_000_000

_PERSONS_NOW = """
    create temp table now as
    select persons.identifier, people.place from persons join people using (person_id)
"""
_SENT_BEFORE = """
    insert into sent
    with owners as (select distinct person_id, place from earlier_persons join now using (identifier))
    select place, count(*) as messages, $day::date as day
    from plans join owners using (person_id)
    where channel = $channel
    group by place
"""
_SENT_BEFORE_TO_THE_SAME = """
    insert into sent
    select place, count(*) as messages, $day::date as day
    from plans join people using (person_id)
    where channel = $channel
    group by place
"""


@dataclass(frozen=True)
class People:
    """Those of a night, by person id."""

    ids: pa.Array
    regions: np.ndarray
    """As the profile has it; nothing where there is none (people,)."""
    days_since_purchase: np.ndarray
    """Not a number where there is none (people,)."""

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Rules:
    """What the policy says of everybody, for one channel."""

    suppressed: np.ndarray
    """On the suppression list, refused by the channel, or not rested since a complaint (people,)."""
    quiet: np.ndarray
    """Quiet hours, or rest after a purchase (people,)."""
    left: np.ndarray
    """How many messages the limits still allow (people,)."""


def suppressed_people(settings: Settings, lake: Lake, ds: str, people: People, policy: Policy) -> np.ndarray:
    """Whether the suppression list names an identifier of the person (people,).

    Raises:
        LakeError: the persons of that day are missing.
    """
    if not policy.suppressed:
        return np.zeros(len(people), bool)
    keys = pseudonym_keys(settings)
    names = pa.array([pseudonym(keys, kind, value) for kind, value in policy.suppressed])
    folder = lake.require(PERSONS.name, ds, made_by=f"spark_jobs/main.py resolve --ds {ds}")
    owners = read_table(folder, ["person_id"], where=pyarrow.dataset.field("identifier").isin(names))
    named = pc.is_in(people.ids, value_set=owners["person_id"].combine_chunks())
    return named.to_numpy(zero_copy_only=False)


def refused_people(lake: Lake, ds: str, people: People, policy: Policy, channel: str) -> np.ndarray:
    """Whether the channel takes no message for the person any more, or the person complained of one (people,).

    Where the marts of the day were built by an earlier release, nothing is known of it.
    """
    if ds not in lake.days(SUPPRESSION.name):
        return np.zeros(len(people), bool)
    rows = read_table(lake.partition(SUPPRESSION.name, ds), SUPPRESSION.column_names)
    holds = pc.is_valid(rows["refused_on"])
    complained = pc.is_valid(rows["complained_on"])
    if policy.complaint_rest_days is not None:
        rested = datetime.date.fromisoformat(_days_before(ds, policy.complaint_rest_days))
        complained = pc.fill_null(pc.greater(rows["complained_on"], pa.scalar(rested)), False)
    holds = pc.and_(pc.equal(rows["channel"], channel), pc.or_(holds, complained))
    named = pc.is_in(people.ids, value_set=rows.filter(holds)["person_id"].combine_chunks())
    return named.to_numpy(zero_copy_only=False)


def rules_of_channel(
    lake: Lake, ds: str, people: People, policy: Policy, channel: str, suppressed: np.ndarray
) -> Rules:
    """What the policy says of everybody, for one channel.

    Args:
        suppressed: who is on the suppression list (people,).

    Raises:
        LakeError: the persons of that day are missing, and a limit asks what was planned before.
    """
    suppressed = suppressed | refused_people(lake, ds, people, policy, channel)
    rules = policy.of_channel(channel)
    quiet = _is_quiet(rules, policy, ds, people.regions)
    if policy.rest_days:
        quiet |= people.days_since_purchase < policy.rest_days  # a comparison with nothing is false
    return Rules(suppressed, quiet, _left(lake, ds, people, rules, channel))


def _is_quiet(rules: ChannelPolicy, policy: Policy, ds: str, regions: np.ndarray) -> np.ndarray:
    is_quiet = {region: rules.is_quiet(ds, zone) for region, zone in policy.zones.items()}
    found = np.full(len(regions), is_quiet["default"])
    for region, quiet in is_quiet.items():
        found[regions == region] = quiet
    return found


def _left(lake: Lake, ds: str, people: People, rules: ChannelPolicy, channel: str) -> np.ndarray:
    """Messages that the limits allow tonight, by what was planned on the nights of their windows."""
    left = np.full(len(people), NO_LIMIT)
    if not rules.limits:
        return left
    earliest = {limit: _days_before(ds, limit.days - 1) for limit in rules.limits}
    nights = [day for day in lake.days(PLANS.name) if min(earliest.values()) <= day < ds]
    with duckdb.connect(config=duckdb_config()) as connection:
        connection.register("people", pa.table({"person_id": people.ids, "place": np.arange(len(people))}))
        connection.execute("create temp table sent (place bigint, messages bigint, day date)")
        if nights:
            lake.require(PERSONS.name, ds, made_by=f"spark_jobs/main.py resolve --ds {ds}")
            connection.register("persons", _rows(lake, PERSONS.name, ds))
            connection.execute(_PERSONS_NOW)
        for day in nights:
            connection.register("plans", _rows(lake, PLANS.name, day))
            known = day in lake.days(PERSONS.name)  # persons are kept for less long than plans
            if known:
                connection.register("earlier_persons", _rows(lake, PERSONS.name, day))
            query = _SENT_BEFORE if known else _SENT_BEFORE_TO_THE_SAME
            connection.execute(query, {"day": day, "channel": channel})
        for limit in rules.limits:
            found = connection.execute(
                "select place, sum(messages)::bigint as messages from sent where day >= $day::date group by place",
                {"day": earliest[limit]},
            ).fetchnumpy()
            before = np.zeros(len(people), np.int64)
            before[found["place"]] = found["messages"]
            left = np.minimum(left, np.maximum(limit.messages - before, 0))
    return left


def _rows(lake: Lake, table: str, ds: str) -> pa.dataset.Dataset:
    return pyarrow.dataset.dataset([str(file) for file in lake.files(table, ds) if file.suffix == ".parquet"])


def _days_before(ds: str, days: int) -> str:
    return (datetime.date.fromisoformat(ds) - datetime.timedelta(days=days)).isoformat()


def regions_of(column: pd.Series) -> np.ndarray:
    """Names of regions as texts, of which a missing one is empty."""
    return column.astype(object).where(column.notna(), "").to_numpy(dtype="U")
