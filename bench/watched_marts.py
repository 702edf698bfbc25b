"""Marts and predictions of a night, made of the mapped days of a town by DuckDB in a second.

They stand for what dbt and the champions make, which takes a minute a night: the same tables and columns, with plainer
rules. Who is who is what `resolve` has found of the whole town, so that nights differ by what people did and not by who
they were found to be. Chances are a fixed formula of the features, lists the commonest items of a person's two best
categories: a champion that stays the same.
"""

from __future__ import annotations

import duckdb

from contracts.lake import Lake
from contracts.tables import TABLES
from monitoring.watching.columns import OWN_TABLES

MADE = (
    "dim_item",
    "fct_interactions",
    "dim_person_profile",
    "training_sequences",
    "scoring_sequences",
    "training_responses",
    "scoring_responses",
    "scores",
    "responses",
    "predictions",
)

_CAMPAIGNS = "(values ('autumn'), ('winter-warmers'), ('birthday')) as campaigns(campaign)"

_BASE = """
    create or replace temp table catalogue as
    select * from items qualify row_number() over (partition by item_id order by ds desc) = 1;

    create or replace temp table acts as
    select person_id, occurred_at, events.ds, action, item_id, value, device, campaign, event_id,
        coalesce(catalogue.category, 'unknown') as category,
        case action when 'purchase' then 5 when 'cart' then 3 else 1 end::double as weight
    from events join persons using (identifier) left join catalogue using (item_id)
    where events.ds <= $night;

    create or replace temp table known as
    select persons.person_id,
        any_value(answer) filter (question = 'Q1_age') as age,
        any_value(lower(answer)) filter (question = 'Q2_gender') as gender,
        any_value(lower(answer)) filter (question = 'Q3_region') as region
    from answers join persons using (identifier) where answers.ds <= $night group by all;

    create or replace temp table liked as
    select person_id, category, total / sum(total) over (partition by person_id) as weight
    from (
        select person_id, category, sum(weight) as total from acts where item_id is not null
        group by person_id, category
    );

    create or replace macro features(before, days) as table
    select person_id,
        mode(device) as main_device,
        coalesce(mode(category) filter (item_id is not null), 'unknown') as favourite_category,
        date_diff('day', max(occurred_at)::date, before)::int as recency_days,
        date_diff('day', min(occurred_at)::date, before)::int as tenure_days,
        count(*) filter (item_id is not null and occurred_at::date >= before - 7)::int as acts_7_days,
        count(*) filter (item_id is not null and occurred_at::date >= before - 28)::int as acts_28_days,
        count(*) filter (action = 'cart')::int as carts,
        count(*) filter (action = 'purchase')::int as purchases,
        coalesce(sum(value) filter (action = 'purchase'), 0) as monetary,
        avg((dayofweek(occurred_at) in (0, 6))::int) as weekend_share,
        count(*) filter (campaign is not null)::int as campaign_visits
    from acts where occurred_at::date < before and action <> 'post' group by all
"""

_QUERIES = {
    "dim_item": """
        select item_id, title, coalesce(category, 'unknown') as category, price, coalesce(available, true) as available,
            coalesce(people, 0) as interactions
        from catalogue left join (select item_id, count(distinct person_id) as people from acts group by all)
            using (item_id)
    """,
    "fct_interactions": """
        select event_id, person_id, item_id, category, occurred_at, ds as known_on, action, weight, value, campaign
        from acts where ds = $night and item_id is not null and action in ('view', 'cart', 'purchase', 'rate')
    """,
    "dim_person_profile": """
        with sums as (
            select person_id,
                date_diff('day', max(occurred_at) filter (action = 'purchase')::date, $night)::int as recency_days,
                count(*) filter (action = 'purchase')::int as frequency,
                coalesce(sum(value) filter (action = 'purchase'), 0) as monetary,
                avg(value) filter (action = 'purchase') as basket,
                mode(case when hour(occurred_at) < 6 then 'night' when hour(occurred_at) < 12 then 'morning'
                    when hour(occurred_at) < 18 then 'afternoon' else 'evening' end) as active_daypart,
                avg((dayofweek(occurred_at) in (0, 6))::int) as weekend_share,
                coalesce(mode(device), 'unknown') as main_device,
                count(*) filter (action in ('post', 'boost'))::int as posts,
                min(occurred_at) as first_seen, max(occurred_at) as last_seen
            from acts group by all
        )
        select person_id,
            case when age is null then 'unknown' when try_cast(age as int) < 35 then '18-34' else '35+' end as age_band,
            coalesce(gender, 'unknown') as gender, coalesce(region, 'unknown') as region,
            interests, recency_days, frequency, monetary, basket,
            case when basket is null then 'unknown' when basket < 30 then 'low' when basket < 90 then 'middle'
                else 'high' end as price_tier,
            case when frequency = 0 then 'none' when frequency > 4 then 'champion' else 'promising' end as rfm_band,
            active_daypart, weekend_share, main_device, posts, null::varchar[] as segments,
            true as consent_profiling, true as consent_training, true as consent_personalisation,
            true as consent_marketing_contact, first_seen, last_seen, null::double[] as taste_vector,
            null::struct(category varchar, weight double, confidence double)[] as picture_interests,
            null::struct(category varchar, weight double, confidence double)[] as sound_interests,
            null::float[] as text_vector,
            null::struct(category varchar, weight double, confidence double)[] as text_interests
        from sums left join known using (person_id) left join (
            select person_id, list({category: category, weight: weight} order by weight desc, category) as interests
            from liked group by all
        ) using (person_id)
    """,
    "training_sequences": """
        select person_id, list(item_id order by first_at, item_id) as item_ids,
            list(first_at order by first_at, item_id) as occurred_at,
            'unknown' as age_band, coalesce(any_value(gender), 'unknown') as gender,
            coalesce(any_value(region), 'unknown') as region, list('view') as strongest_actions
        from (select person_id, item_id, min(occurred_at) as first_at from acts where item_id is not null group by all)
            left join known using (person_id)
        where hash(person_id) % 10 < 8
        group by all
    """,
    "training_responses": f"""
        select features.*, campaign, sent_on, 'assumed' as treatment, 'unknown' as age_band,
            coalesce(gender, 'unknown') as gender, coalesce(region, 'unknown') as region,
            hash(person_id, sent_on, campaign) % 100 < 5 as clicked, false as purchased,
            hash(person_id, sent_on) % 100 < 15 as churned,
            0.0 as order_value, (campaign_visits / 2)::int as same_campaign_visits
        from (
            select *, $night - 6 as sent_on from features($night - 6, 0) union all
            select *, $night - 13 from features($night - 13, 0) union all
            select *, $night - 20 from features($night - 20, 0)
        ) as features left join known using (person_id), {_CAMPAIGNS}
    """,
    "scoring_responses": f"""
        select features.*, campaign, $night + 1 as sent_on, 'unknown' as age_band,
            coalesce(gender, 'unknown') as gender, coalesce(region, 'unknown') as region,
            (campaign_visits / 2)::int as same_campaign_visits
        from features($night + 1, 0) as features left join known using (person_id), {_CAMPAIGNS}
        where hash(person_id) % 10 < 7
    """,
    "scores": """
        with popular as (
            select item_id, category, people,
                row_number() over (partition by category order by people desc, item_id) as place
            from (select item_id, category, count(*) as people from acts where item_id is not null group by all)
        ),
        best as (
            select person_id, category, weight from liked
            qualify row_number() over (partition by person_id order by weight desc, category) <= 2
        )
        select person_id, row_number() over (partition by person_id order by score desc, item_id)::int as rank,
            item_id, score, 'because' as reason, 'next_item/1' as model_version
        from (
            select person_id, item_id, weight * ln(1 + people) + hash(person_id, item_id) % 1000 / 500 as score
            from best join popular using (category) where place <= 20
        )
        qualify rank <= 10
    """,
    "responses": """
        select person_id, campaign,
            1 / (1 + exp(3.2 - acts_7_days * 0.05 - campaign_visits * 0.2)) as click_chance,
            1 / (1 + exp(3.8 - purchases * 0.1)) as purchase_chance,
            1 / (1 + exp(1.5 - recency_days * 0.1)) as leave_chance,
            10 / (1 + exp(3.8 - purchases * 0.1)) as expected_value, ['active'] as reasons,
            'response/1' as model_version
        from scoring_responses_of_night
    """,
    "predictions": """
        select person_id, list(weight order by category) as taste_vector,
            null::struct(category varchar, weight double, confidence double)[] as picture_interests,
            null::struct(category varchar, weight double, confidence double)[] as sound_interests,
            any_value(1 / (1 + exp(1.5 - recency_days * 0.1))) as leave_chance,
            any_value(10 / (1 + exp(3.8 - purchases * 0.1))) as expected_value,
            'autumn' as best_campaign, null::varchar as inputs
        from liked join (select distinct on (person_id) * from scoring_responses_of_night) using (person_id)
        group by all
    """,
}
_QUERIES["scoring_sequences"] = _QUERIES["training_sequences"].replace("% 10 < 8", "% 10 < 7")


def make_marts(lake: Lake, night: str) -> None:
    """Publish the tables of one night, made of the days of the lake up to it."""
    unknown = set(MADE) - {table.name for table in OWN_TABLES}
    assert not unknown, f"not watched: {unknown}"
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for table in ("events", "answers", "items", "persons"):
            days = lake.days(table, until=night)
            files = [
                str(file) for day in (days[-1:] if table == "persons" else days) for file in lake.files(table, day)
            ]
            connection.execute(f"""
                create or replace temp view {table} as
                select *, regexp_extract(filename, '/ds=([0-9-]+)/', 1)::date as ds
                from read_parquet({files!r}, filename = true, hive_partitioning = false, union_by_name = true)
            """)
        for statement in _BASE.split(";\n"):
            connection.execute(statement.replace("$night", f"date '{night}'"))
        for name in MADE:
            query = _QUERIES[name].replace("$night", f"date '{night}'")
            connection.execute(f"create or replace temp table {name}_of_night as {query}")
            columns = ", ".join(TABLES[name].column_names)
            file = lake.staging("bench") / "part-00000.parquet"
            connection.execute(f"copy (select {columns} from {name}_of_night) to '{file}' (format parquet)")
            lake.publish(name, night, {file.name: file})
