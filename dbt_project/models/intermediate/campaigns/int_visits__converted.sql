with events as (

    select * from {{ ref('int_events__identified') }}

),

acts_in_order as (

    select
        *,
        lag(occurred_at) over (partition by person_id order by occurred_at, event_id) as previous_at
    from events
    where session_id is not null

),

numbered as (

    select
        *,
        sum(case when previous_at + interval '{{ var('session_silence_minutes') }}' minute > occurred_at then 0 else 1 end) over (
            partition by person_id
            order by occurred_at, event_id
            rows between unbounded preceding and current row
        ) as visit
    from acts_in_order

),

ranked as (

    select
        *,
        row_number() over (
            partition by person_id, visit
            order by case when campaign is null then 1 else 0 end, occurred_at, event_id
        ) as position
    from numbered

),

converted as (

    select
        person_id,
        visit,
        max(case when position = 1 then campaign end) as campaign,
        cast(min(occurred_at) as date) as visited_on,
        count(case when action = 'purchase' then 1 end) as purchases,
        cast(
            coalesce(sum(case when action = 'purchase' then {{ exact('value', places=2) }} end), 0) as double
        ) as euros
    from ranked
    group by person_id, visit

),

from_campaigns as (

    select * from converted
    where campaign is not null

)

select * from from_campaigns
