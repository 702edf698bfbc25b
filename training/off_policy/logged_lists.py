"""The lists of campaigns that explore, as they were planned on earlier nights, and what came of each place.

A place has earned 1 where the person acted on its item between the night and the campaign's next list, at most
`WINDOW_DAYS` later and until tonight; else 0. An act counts whether or not the place brought it about. Where the places
of a campaign's night are logged as shown (`impressions`), the others do not count. Where only its messages are logged
(`fct_sends`), lists count whose message arrived in that time, and acts from then on. Elsewhere what was planned is
taken for shown.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.lake import Lake
from contracts.settings import duckdb_config
from contracts.tables.activation import PLANS
from contracts.tables.mapped import IMPRESSIONS
from contracts.tables.marts import INTERACTIONS, SENDS_OF_PEOPLE
from contracts.tables.resolved import PERSONS

NIGHTS = 14
"""Lists of so many nights before are looked at."""

WINDOW_DAYS = 7

_EXPLORES = "select 1 from read_parquet($files, union_by_name = true) where pool is not null limit 1"
_LISTS = """
    create temp table lists as
    with planned as (
        select
            person_id,
            campaign,
            ds::date as night,
            items,
            item_propensities,
            pool,
            lead(ds::date) over (partition by person_id, campaign order by ds) as next_night
        from read_parquet($files, hive_partitioning = true, union_by_name = true)
        semi join people using (person_id)
    )
    select
        row_number() over (order by planned.person_id, night, campaign) - 1 as list,
        planned.*,
        least(coalesce(next_night, $ds::date), night + $window::integer, $ds::date) as until
    from planned join people using (person_id)
    where pool is not null and night >= since
"""
_PLACES = """
    create temp table places as
    select list, unnest(items) as item_id, unnest(item_propensities) as propensity, unnest(range(len(items))) as place
    from lists
"""
_SENT = """
    create temp table sent as
    with messages as (
        select person_id, campaign, plan, min(delivered_at) as arrived_at
        from read_parquet($files)
        where plan >= $first::date
        group by all
    ),
    logged as (select distinct campaign, plan from messages)
    select list, arrived_at, coalesce(arrived_at::date <= until, false) as is_sent
    from lists
    join logged on logged.campaign = lists.campaign and logged.plan = night
    left join messages
        on messages.person_id = lists.person_id
        and messages.campaign = lists.campaign
        and messages.plan = night
"""
_ACTED_ON = """
    create temp table acted_on as
    select distinct list, item_id
    from places
    join lists using (list)
    left join sent using (list)
    join read_parquet($files) as acts using (person_id, item_id)
    where acts.occurred_at::date > night and acts.occurred_at::date <= until
        and (arrived_at is null or acts.occurred_at >= arrived_at)
"""
_SEEN = """
    create temp table seen as
    with shown as (
        select persons.person_id, campaign, plan, item_id
        from read_parquet($files, union_by_name = true)
        join read_parquet($persons) as persons using (identifier)
        where plan is not null
    ),
    logged as (select distinct campaign, plan from shown)
    select list, places.item_id, shown.person_id is not null as is_seen
    from places
    join lists using (list)
    join logged on logged.campaign = lists.campaign and logged.plan = night
    left join (select distinct * from shown semi join people using (person_id)) as shown
        on shown.person_id = lists.person_id
        and shown.campaign = lists.campaign
        and shown.plan = night
        and shown.item_id = places.item_id
"""
_OF_PLACES = """
    select
        list,
        place,
        list_position(pool, item_id) - 1 as choice,
        propensity,
        acted_on.list is not null as acted,
        coalesce(is_seen, is_sent, true) as counts,
        coalesce(is_seen, is_sent) is not null as logged
    from places
    join lists using (list)
    left join sent using (list)
    left join acted_on using (list, item_id)
    left join seen using (list, item_id)
    order by list, place
"""


@dataclass(frozen=True)
class LoggedLists:
    """Lists that were planned, by person and night."""

    people: np.ndarray
    """Id of the person (lists,)."""
    nights: np.ndarray
    """datetime64[D] (lists,)."""
    campaigns: np.ndarray
    """(lists,)"""
    pool: np.ndarray
    """Ids of the items that places are drawn from, best first, None where there are no more (lists, choices)."""
    shown: np.ndarray
    """What stands in each place, as a place in the pool; -1 where there is nothing (lists, places)."""
    propensities: np.ndarray
    """Chance of that, given the places before; not a number where there is nothing (lists, places)."""
    earned: np.ndarray
    """1 where the person acted on it, else 0 (lists, places)."""
    counts: np.ndarray
    """Whether the place was shown, or the message that held it arrived, as far as that is known (lists, places)."""
    planned_for_shown: bool
    """Whether of some lists nothing is known but that they were planned."""

    def __len__(self) -> int:
        return len(self.people)


def read_logged_lists(lake: Lake, ds: str, people: Sequence[str], since: np.ndarray) -> LoggedLists | None:
    """The lists of some people in the nights before a day; None where no campaign explored in these.

    Args:
        people: their ids.
        since: the first night of each that counts, datetime64[D].
    """
    nights = [day for day in lake.days(PLANS.name) if _days_before(ds, NIGHTS) <= day < ds]
    plans = [file for night in nights for file in lake.files(PLANS.name, night) if file.suffix == ".parquet"]
    if not any("pool" in pq.read_schema(file).names for file in plans):
        return None  # all of before there were pools
    known_people = pa.table({"person_id": pa.array(people, pa.string()), "since": pa.array(since, pa.date32())})
    with duckdb.connect(config=duckdb_config()) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.register("people", known_people)
        files = [str(file) for file in plans]
        if not connection.execute(_EXPLORES, {"files": files}).fetchall():
            return None
        connection.execute(_LISTS, {"files": files, "ds": ds, "window": WINDOW_DAYS})
        connection.execute(_PLACES)
        sends = _files(lake, SENDS_OF_PEOPLE.name, ds)  # a full state: messages of many days, and what became of them
        _make(connection, "sent", "list bigint, arrived_at timestamp, is_sent boolean", _SENT, sends, first=nights[0])
        acts = _since(lake, INTERACTIONS.name, nights[0], ds)
        _make(connection, "acted_on", "list bigint, item_id varchar", _ACTED_ON, acts)
        persons = _files(lake, PERSONS.name, ds)
        shown = _since(lake, IMPRESSIONS.name, nights[0], ds) if persons else []
        _make(connection, "seen", "list bigint, item_id varchar, is_seen boolean", _SEEN, shown, persons=persons)
        lists = connection.sql("select person_id, night, campaign, pool from lists order by list").to_arrow_table()
        return _logged_lists(lists, connection.execute(_OF_PLACES).fetchnumpy())


def _make(
    connection: duckdb.DuckDBPyConnection, table: str, columns: str, query: str, files: list[str], **more: object
) -> None:
    """Make a table from files by a query; an empty one where there are none."""
    if files:
        connection.execute(query, {"files": files, **more})
    else:
        connection.execute(f"create temp table {table} ({columns})")


def _since(lake: Lake, table: str, first: str, ds: str) -> list[str]:
    """The files of what arrived after a night and until a day."""
    return [file for day in lake.days(table, until=ds) if day > first for file in _files(lake, table, day)]


def _logged_lists(lists: pa.Table, places: dict[str, np.ndarray]) -> LoggedLists:
    pools = lists["pool"].combine_chunks()
    lengths = pools.value_lengths().to_numpy(zero_copy_only=False).astype(int)
    pool = np.full((len(lists), lengths.max(initial=1)), None, object)
    pool[np.arange(pool.shape[1]) < lengths[:, None]] = pools.flatten().to_numpy(zero_copy_only=False)
    at = places["list"], places["place"]
    shape = len(lists), int(places["place"].max(initial=0)) + 1
    shown, propensities = np.full(shape, -1), np.full(shape, np.nan)
    earned, counts = np.zeros(shape), np.zeros(shape, bool)
    shown[at], propensities[at] = places["choice"], places["propensity"]
    earned[at], counts[at] = places["acted"], places["counts"]
    return LoggedLists(
        people=lists["person_id"].to_numpy().astype(str),
        nights=lists["night"].to_numpy().astype("datetime64[D]"),
        campaigns=lists["campaign"].to_numpy().astype(str),
        pool=pool,
        shown=shown,
        propensities=propensities,
        earned=earned,
        counts=counts,
        planned_for_shown=not bool(places["logged"].all()),
    )


def _files(lake: Lake, table: str, ds: str) -> list[str]:
    return [str(file) for file in lake.files(table, ds) if file.suffix == ".parquet"]


def _days_before(ds: str, days: int) -> str:
    return (datetime.date.fromisoformat(ds) - datetime.timedelta(days=days)).isoformat()
