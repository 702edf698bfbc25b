with events as (

    select * from {{ ref('int_events__delivered') }}
    where is_fresh and is_in_euros and action <> 'return' and session_id is not null

),

kept as (

    select * from {{ ref('stg_summaries__sessions') }}
    where {{ is_folded('kept_on') }}

),

acts_in_order as (

    select
        *,
        lag(occurred_at) over (
            partition by identifier, session_id, usable_on, summary_on order by occurred_at, event_id
        ) as previous_at
    from events

),

-- Where half an hour of silence parts a session, it is two visits; so each part of it has a row.
numbered as (

    select
        *,
        sum(case when previous_at + interval '{{ var('session_silence_minutes') }}' minute > occurred_at then 0 else 1 end) over (
            partition by identifier, session_id, usable_on, summary_on
            order by occurred_at, event_id
            rows between unbounded preceding and current row
        ) as part
    from acts_in_order

),

acts as (

    select
        identifier,
        session_id,
        {{ folded_day('usable_on') }} as usable_on,
        summary_on,
        case when {{ is_folded('usable_on') }} then 1 else part end as part,
        occurred_at as started_at,
        occurred_at as ended_at,
        campaign,
        occurred_at as campaign_at,
        event_id as campaign_event_id,
        case when action = 'purchase' then 1 else 0 end as purchases,
        case when action = 'purchase' then {{ exact('coalesce(value, 0)', places=2) }} else 0 end as euros
    from numbered
    union all
    select
        identifier,
        session_id,
        {{ folded_day('usable_on') }} as usable_on,
        {{ folded_day('usable_on') }} as summary_on,
        1 as part,
        started_at,
        ended_at,
        campaign,
        campaign_at,
        campaign_event_id,
        purchases,
        euros
    from kept

),

summed as (

    select
        identifier,
        session_id,
        usable_on,
        summary_on,
        min(started_at) as started_at,
        max(ended_at) as ended_at,
        min(
            case when campaign is not null then {{ struct_of(['campaign_at', 'campaign_event_id', 'campaign']) }} end
        ) as first_campaign,
        cast(sum(purchases) as bigint) as purchases,
        {{ exact('sum(euros)', places=2) }} as euros
    from acts
    group by identifier, session_id, usable_on, summary_on, part

),

-- No visit of a folded day is asked for any more, only which campaign a session came from.
kept_on as (

    select
        identifier,
        session_id,
        usable_on,
        summary_on,
        started_at,
        ended_at,
        first_campaign.campaign,
        first_campaign.campaign_at,
        first_campaign.campaign_event_id,
        purchases,
        euros
    from summed
    where first_campaign is not null or not ({{ is_folded('usable_on') }})

)

select * from kept_on
