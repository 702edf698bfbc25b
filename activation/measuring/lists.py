"""What the ten items that were recommended were worth: NDCG and hit rate of the people who then acted on a new item.

The lists of a day are measured by what people did on the days after it, until the night: with a run every night, by
the one day after it. New is what the person had not acted on by then, as the recommender leaves out what was. All new
items of a person are relevant, alike; the metrics are NDCG@10 with the ideal cut at ten (Liang et al., 2018, section
4.2), and the share of people who acted on one of their ten.

Beside each version, popularity on the same people: the items by how many people had acted on them on the day of the
scores, handled as the recommender handles them: without what the person has seen or what is not available, and of
items that share a title the first alone. An item that scores as high as a relevant one counts as ranked before it, in
compared.
"""

from __future__ import annotations

import datetime
from typing import Any

import duckdb
import pyarrow as pa

from activation.measuring.tables import rows_of
from contracts.lake import Lake
from contracts.schema import Table
from contracts.settings import duckdb_config
from contracts.tables.marts import INTERACTIONS, ITEM, SCORING_SEQUENCES
from contracts.tables.served import SCORES, SHADOW_SCORES
from lake_tables.arrow import read_mart
from lake_tables.consent import Consenting
from lake_tables.shown.catalogue import Catalogue, morning_after

TOP = 10

POPULARITY = "popularity"

_ACTED = """
    create temp table acted as
    select distinct person_id, item_id
    from interactions
    where cast(occurred_at as date) between $first and $last and person_id in (from agreed)
"""
_SEEN = """
    create temp table seen as
    select person_id, unnest(item_ids) as item_id
    from sequences
    where person_id in (select person_id from acted)
"""
_LISTED = f"""
    create temp table listed as
    -- rules may have moved an item forward: it counts as high as the lowest before it, and not above these
    select person_id, item_id, model_version, min(score) over (partition by person_id order by rank) as score
    from scores
    where rank <= {TOP} and person_id in (select person_id from acted)
"""
_RELEVANT = """
    create temp table relevant as
    select acted.person_id, acted.item_id, versions.model_version
    from acted
    join (select person_id, min(model_version) as model_version from listed group by person_id) as versions
        using (person_id)
    anti join seen on acted.person_id = seen.person_id and acted.item_id = seen.item_id
"""
_PLACES_OF_LISTS = """
    create temp table places as
    select person_id, model_version as of, place
    from (
        select
            listed.person_id,
            listed.model_version,
            relevant.item_id is not null as hit,
            row_number() over (
                partition by listed.person_id
                order by listed.score desc, relevant.item_id is not null, listed.item_id
            ) as place
        from listed left join relevant using (person_id, item_id)
        where listed.person_id in (select person_id from relevant)
    )
    where hit
"""
_POPULAR = """
    create temp table popular as
    select item_id, title, interactions
    from items
    where interactions > 0 and can_be_had
"""
_TITLES = """
    create temp table titles as
    select interactions, sum(titles) over (order by interactions desc) as titles_at_least
    from (
        select interactions, count(*) filter (is_first) as titles
        from (
            select interactions,
                   row_number() over (partition by title order by interactions desc, item_id) = 1 as is_first
            from popular
        )
        group by interactions
    )
"""
_PLACES_OF_POPULARITY = f"""
    insert into places
    with wanted as (
        select relevant.person_id, popular.item_id, popular.title, popular.interactions
        from relevant join popular using (item_id)
    ),
    -- titles all of whose items that are as popular have been seen; one of these would not be shown
    seen_titles as (
        select wanted.person_id, wanted.item_id, known.title, count(*) as items_seen
        from wanted
        join seen on wanted.person_id = seen.person_id
        join popular as known on seen.item_id = known.item_id
        where known.interactions >= wanted.interactions and known.title <> wanted.title
        group by all
    ),
    passed_over as (
        select seen_titles.person_id, seen_titles.item_id, count(*) as titles
        from (
            select seen_titles.person_id, seen_titles.item_id, seen_titles.title, any_value(items_seen) as items_seen
            from seen_titles
            join wanted using (person_id, item_id)
            join popular as variant on variant.title = seen_titles.title
            where variant.interactions >= wanted.interactions
            group by all
            having count(*) = any_value(items_seen)
        ) as seen_titles
        group by all
    ),
    -- an unseen item of the same title that comes first is shown in its place
    replaced as (
        select distinct wanted.person_id, wanted.item_id
        from wanted
        join popular as variant
            on variant.title = wanted.title
            and variant.item_id <> wanted.item_id
            and variant.interactions >= wanted.interactions
        left join relevant on relevant.person_id = wanted.person_id and relevant.item_id = variant.item_id
        where (
            variant.interactions > wanted.interactions
            or relevant.item_id is null
            or variant.item_id < wanted.item_id
        )
        and not exists (
            select 1 from seen where seen.person_id = wanted.person_id and seen.item_id = variant.item_id
        )
    ),
    kept as (select * from wanted anti join replaced using (person_id, item_id)),
    placed as (
        select
            kept.person_id,
            titles.titles_at_least
            - coalesce(passed_over.titles, 0)
            - (count(*) over (partition by kept.person_id, kept.interactions) - 1)
            + (row_number() over (partition by kept.person_id, kept.interactions order by kept.item_id) - 1) as place
        from kept
        join titles using (interactions)
        left join passed_over using (person_id, item_id)
    )
    select person_id, '{POPULARITY} beside' as of, place from placed where place <= {TOP}
"""
_FIGURES = f"""
    with people as (
        select person_id, any_value(model_version) as people_of, count(*) as relevant from relevant group by person_id
    ),
    compared as (
        select person_id, people_of, people_of as of, relevant from people
        union all
        select person_id, people_of, '{POPULARITY} beside' as of, relevant from people
        where people_of <> '{POPULARITY}'
    ),
    gained as (
        select compared.person_id, compared.people_of, compared.of, compared.relevant,
               coalesce(sum(1 / log2(places.place + 1)), 0) as gain, count(places.place) > 0 as hit
        from compared left join places on compared.person_id = places.person_id and compared.of = places.of
        group by all
    ),
    ideals as (
        select count, sum(1 / log2(place + 1)) over (order by count) as ideal
        from (select unnest(range(1, {TOP + 1})) as count, unnest(range(1, {TOP + 1})) as place)
    ),
    valued as (
        select people_of, split_part(gained.of, ' ', 1) as model_version, gain / ideal as ndcg, hit::double as hit
        from gained join ideals on least(gained.relevant, {TOP}) = ideals.count
    ),
    summed as (
        unpivot (
            select people_of, model_version, count(*) as people,
                   struct_pack(mean := avg(ndcg), spread := stddev_samp(ndcg)) as "ndcg@{TOP}",
                   struct_pack(mean := avg(hit), spread := stddev_samp(hit)) as "hit_rate@{TOP}"
            from valued
            group by all
        ) on "ndcg@{TOP}", "hit_rate@{TOP}" into name metric value found
    )
    select
        people_of, model_version, metric, found.mean as value,
        greatest(found.mean - 1.96 * found.spread / sqrt(people), 0) as low,
        least(found.mean + 1.96 * found.spread / sqrt(people), 1) as high,
        people
    from summed
    order by people_of, metric, model_version
"""


def measure_lists(lake: Lake, ds: str) -> list[dict[str, Any]]:
    """Rows of `realised` of the lists of the latest day before a night that has scores; none without such a day.

    Those of versions in shadow, which nobody saw, are measured alike.

    Raises:
        LakeError: marts of the day of the scores, or of the night, are missing.
    """
    scored = [day for day in lake.days(SCORES.name) if day < ds]
    if not scored:
        return []
    scored_on = scored[-1]
    first, last = datetime.date.fromisoformat(scored_on) + datetime.timedelta(days=1), datetime.date.fromisoformat(ds)
    arrived = [day for day in lake.days(INTERACTIONS.name, until=ds) if day > scored_on]
    if not arrived:
        return []
    lake.require(SCORING_SEQUENCES.name, scored_on, made_by=f"python -m dbt_project.build --ds {scored_on}")
    days = {"scored_on": datetime.date.fromisoformat(scored_on), "first_day": first, "last_day": last}
    rows = [row | days for row in _figures(lake, ds, SCORES, scored_on, arrived, first, last)]
    if lake.files(SHADOW_SCORES.name, scored_on):
        in_shadow = _figures(lake, ds, SHADOW_SCORES, scored_on, arrived, first, last)
        rows += [row | days | {"shadow": True} for row in in_shadow]
    return rows


def _figures(
    lake: Lake,
    ds: str,
    table: Table,
    scored_on: str,
    arrived: list[str],
    first: datetime.date,
    last: datetime.date,
) -> list[dict[str, Any]]:
    """What the lists of a table were worth by what people did.

    Args:
        table: of lists, `scores` or one like it.
        arrived: days whose acts have arrived since.
        first, last: days of what people did.
    """
    with duckdb.connect(config=duckdb_config()) as connection:
        connection.execute("set TimeZone = 'UTC'")
        agreed = Consenting.read(lake, ds, "personalisation").people
        connection.register("agreed", pa.table({"person_id": pa.array(agreed, pa.string())}))
        connection.register("interactions", rows_of(lake, INTERACTIONS, arrived))
        connection.register("scores", rows_of(lake, table, [scored_on]))
        connection.register("sequences", rows_of(lake, SCORING_SEQUENCES, [scored_on]))
        connection.register("items", _items(lake, scored_on))
        connection.execute(_ACTED, {"first": first, "last": last})
        for statement in (_SEEN, _LISTED, _RELEVANT, _PLACES_OF_LISTS, _POPULAR, _TITLES, _PLACES_OF_POPULARITY):
            connection.execute(statement)
        return connection.sql(_FIGURES).to_arrow_table().to_pylist()


def _items(lake: Lake, ds: str) -> pa.Table:
    """item_id, title, interactions, and whether it could be had on the morning after the day."""
    items = read_mart(lake, ITEM.name, ds, ["item_id", "title", "interactions"])
    return items.append_column("can_be_had", pa.array(Catalogue.read(lake, ds).available_on(morning_after(ds))))
