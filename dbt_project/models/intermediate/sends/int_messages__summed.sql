with statuses as (

    select * from {{ ref('stg_lake__sends') }}
    -- A status restates its message as long as both arrived within these days: a night does not read all that was ever sent.
    where
        arrived_on > {{ days_later(run_day(), -(var('send_days') + var('late_send_days'))) }}
        -- What a clock that runs ahead says counts once its moment has come.
        and occurred_at < {{ end_of_run_day() }}

),

-- The least of each: a status that comes again, whatever its order, changes nothing.
summed as (

    select
        message_id,
        min(identifier) as identifier,
        min(campaign) as campaign,
        min(plan) as plan,
        min(channel) as channel,
        min(occurred_at) as sent_at,
        min(case when status = 'delivered' then occurred_at end) as accepted_at,
        -- Whoever opened it, it had arrived.
        min(case when status in ('opened', 'clicked', 'unsubscribed', 'complained') then occurred_at end) as acted_on_at,
        min(case when status = 'opened' and not is_by_machine then occurred_at end) as opened_at,
        min(case when status = 'clicked' and not is_by_machine then occurred_at end) as clicked_at,
        min(case when status = 'unsubscribed' then occurred_at end) as unsubscribed_at,
        min(case when status = 'complained' then occurred_at end) as complained_at,
        max(case when is_permanent then 1 else 0 end) = 1 as was_refused,
        max(case when status = 'bounced' then 1 else 0 end) = 1 as was_bounced,
        max(case when status = 'dropped' then 1 else 0 end) = 1 as was_dropped,
        max(case when status = 'deferred' then 1 else 0 end) = 1 as was_deferred
    from statuses
    group by message_id

),

decided as (

    select
        message_id,
        identifier,
        campaign,
        plan,
        channel,
        sent_at,
        -- A server may take a message and send it back later.
        case when not was_refused or acted_on_at is not null then coalesce(accepted_at, acted_on_at) end as delivered_at,
        opened_at,
        clicked_at,
        unsubscribed_at,
        complained_at,
        was_refused and acted_on_at is null as is_refused,
        was_bounced,
        was_dropped,
        was_deferred
    from summed
    where campaign is not null and sent_at >= cast({{ days_later(run_day(), '1 - ' ~ var('send_days')) }} as timestamp)

),

named as (

    select
        message_id,
        identifier,
        campaign,
        plan,
        channel,
        case
            when complained_at is not null then 'complained'
            when unsubscribed_at is not null then 'unsubscribed'
            when clicked_at is not null then 'clicked'
            when opened_at is not null then 'opened'
            when delivered_at is not null then 'delivered'
            when was_bounced then 'bounced'
            when was_dropped then 'dropped'
            when was_deferred then 'deferred'
            else 'processed'
        end as status,
        sent_at,
        delivered_at,
        opened_at,
        clicked_at,
        unsubscribed_at,
        complained_at,
        is_refused
    from decided

)

select * from named
