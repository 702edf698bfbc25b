with recipients as (

    select * from {{ ref('int_recipients__known') }}

),

events as (

    select * from {{ ref('int_events__identified') }}

),

returns as (

    select * from {{ ref('int_returns__identified') }}

),

acts as (

    select
        recipients.sent_on,
        events.person_id,
        events.action,
        events.device,
        events.item_id is not null and events.action in {{ item_actions() }} as is_on_item,
        cast(events.occurred_at as date) as acted_on,
        case when {{ iso_weekday('events.occurred_at') }} >= 6 then 1 else 0 end as is_weekend
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

payments as (

    select
        person_id,
        {{ order_of() }} as order_name,
        {{ exact('coalesce(value, 0)', places=2) }} as euros,
        greatest(known_on, cast(occurred_at as date)) as usable_on
    from events
    where action = 'purchase'
    union all
    select
        person_id,
        cast(null as {{ dbt.type_string() }}) as order_name,
        -{{ exact('coalesce(value, 0)', places=2) }} as euros,
        greatest(known_on, cast(occurred_at as date)) as usable_on
    from returns

),

spent as (

    select
        recipients.person_id,
        recipients.sent_on,
        count(distinct payments.order_name) as purchases,
        cast(sum(payments.euros) as double) as monetary
    from recipients
    inner join payments
        on recipients.person_id = payments.person_id
        and payments.usable_on < recipients.sent_on
    group by recipients.person_id, recipients.sent_on

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
        sum(is_weekend) / cast(count(*) as double) as weekend_share
    from acts
    group by person_id, sent_on

),

acted as (

    -- Whoever only returned something has no acts.
    select
        recipients.person_id,
        recipients.sent_on,
        totals.recency_days,
        totals.tenure_days,
        coalesce(totals.acts_7_days, 0) as acts_7_days,
        coalesce(totals.acts_28_days, 0) as acts_28_days,
        coalesce(totals.carts, 0) as carts,
        coalesce(spent.purchases, 0) as purchases,
        coalesce(spent.monetary, 0) as monetary,
        totals.weekend_share,
        devices.device as main_device
    from recipients
    left join totals on recipients.person_id = totals.person_id and recipients.sent_on = totals.sent_on
    left join spent on recipients.person_id = spent.person_id and recipients.sent_on = spent.sent_on
    left join devices
        on recipients.person_id = devices.person_id
        and recipients.sent_on = devices.sent_on
        and devices.position = 1
    where totals.person_id is not null or spent.person_id is not null

)

select * from acted
