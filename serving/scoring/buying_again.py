"""What people may buy again: consumables whose usual interval has passed since they bought them last.

The interval of an item is the median time in days between two purchases of it by one person, of its category where it
was bought again too seldom; an item of which neither is known does not come back.
"""

from __future__ import annotations

import datetime

import duckdb
import numpy as np
import pyarrow as pa

from contracts.lake import Lake
from contracts.settings import duckdb_config
from contracts.tables.marts import INTERACTIONS
from lake_tables.shown.catalogue import Catalogue
from lake_tables.shown.rules import BuyAgain

_DUE = """
    with bought as (
        select distinct person_id, item_id, consumables.category, cast(occurred_at as date) as day
        from read_parquet($files)
        join consumables using (item_id)
        where action = 'purchase' and person_id in (from people)
    ),
    repeated as (
        select item_id, category, day - lag(day) over (partition by person_id, item_id order by day) as days
        from bought
    ),
    of_items as (
        select item_id, median(days) as days from repeated where days is not null
        group by item_id having count(*) >= $repeats
    ),
    of_categories as (
        select category, median(days) as days from repeated where days is not null
        group by category having count(*) >= $repeats
    ),
    last_bought as (
        select person_id, item_id, any_value(category) as category, max(day) as day from bought group by all
    ),
    due as (
        select
            person_id,
            item_id,
            ($day - last_bought.day) / greatest(coalesce(of_items.days, of_categories.days), 1) as intervals
        from last_bought
        left join of_items using (item_id)
        left join of_categories using (category)
        where coalesce(of_items.days, of_categories.days) is not null
    )
    select person_id, list(item_id order by intervals desc, item_id)[:$places] as item_ids
    from due
    where intervals >= 1
    group by person_id
"""

NOTHING_DUE = pa.table({"person_id": pa.array([], pa.string()), "item_ids": pa.array([], pa.list_(pa.string()))})


def items_due(
    lake: Lake, ds: str, day: datetime.date, people: np.ndarray, catalogue: Catalogue, rule: BuyAgain
) -> pa.Table:
    """person_id and item_ids (the longest overdue first, as many as a list has places for) of people with any.

    Args:
        ds: the night, up to which acts have arrived.
        day: on which people see the lists.
        people: ids; of no others' purchases is anything learned (people,).
    """
    first = (day - datetime.timedelta(days=rule.within_days)).isoformat()
    days = [one for one in lake.days(INTERACTIONS.name, until=ds) if one >= first]
    files = [str(file) for one in days for file in lake.files(INTERACTIONS.name, one)]
    places = np.flatnonzero(rule.consumables.among(catalogue))
    if not files or not len(places):
        return NOTHING_DUE
    names = np.array([*catalogue.category_names, None], dtype=object)
    wanted = pa.table(
        {
            "item_id": pa.array(catalogue.item_ids[places], pa.string()),
            "category": pa.array(names[catalogue.categories[places]], pa.string()),
        }
    )
    with duckdb.connect(config=duckdb_config()) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.register("consumables", wanted)
        connection.register("people", pa.table({"person_id": pa.array(people, pa.string())}))
        values = {"files": files, "repeats": rule.least_repeats, "places": rule.places, "day": day}
        return connection.execute(_DUE, values).to_arrow_table()
