with recipients as (

    select * from {{ ref('int_recipients__known') }}

),

events as (

    select * from {{ ref('int_events__identified') }}

),

acts as (

    select
        recipients.sent_on,
        events.person_id,
        events.action,
        events.device,
        events.item_id is not null and events.action in {{ item_actions() }} as is_on_item,
        cast(events.occurred_at as date) as acted_on,
        case when {{ iso_weekday('events.occurred_at') }} >= 6 then 1 else 0 end as is_weekend,
        {{ exact('coalesce(events.value, 0)', places=2) }} as euros
    from recipients
    inner join events
        on recipients.person_id = events.person_id
        and greatest(events.known_on, cast(events.occurred_at as date)) < recipients.sent_on

),

devices as (

    select
        person_id,
        sent_on,
        device,
        row_number() over (partition by person_id, sent_on order by count(*) desc, device) as position
    from acts
    where device is not null
    group by person_id, sent_on, device

),

totals as (

    select
        person_id,
        sent_on,
        {{ days_between('max(acted_on)', 'sent_on') }} - 1 as recency_days,
        {{ days_between('min(acted_on)', 'sent_on') }} - 1 as tenure_days,
        count(case when is_on_item and acted_on >= {{ days_later('sent_on', -7) }} then 1 end) as acts_7_days,
        count(case when is_on_item and acted_on >= {{ days_later('sent_on', -28) }} then 1 end) as acts_28_days,
        count(case when action = 'cart' then 1 end) as carts,
        count(case when action = 'purchase' then 1 end) as purchases,
        cast(coalesce(sum(case when action = 'purchase' then euros end), 0) as double) as monetary,
        sum(is_weekend) / cast(count(*) as double) as weekend_share
    from acts
    group by person_id, sent_on

),

acted as (

    select
        totals.*,
        devices.device as main_device
    from totals
    left join devices
        on totals.person_id = devices.person_id
        and totals.sent_on = devices.sent_on
        and devices.position = 1

)

select * from acted
