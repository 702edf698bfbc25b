with events as (

    select * from {{ ref('int_events__received') }}

),

rates as (

    select * from {{ ref('int_exchange_rates__dated') }}

),

dated as (

    select
        *,
        action in ('purchase', 'return') as is_payment,
        coalesce(currency <> '{{ var("house_currency") }}', false) and action in ('purchase', 'return') as is_foreign,
        -- An act can be used once its day is over and it has arrived.
        greatest(known_on, cast(occurred_at as date)) as usable_on
    from events

),

-- Only money is converted, exactly and to whole cents: the stars of a rating have no currency.
in_euros as (

    select
        dated.*,
        case
            when dated.is_foreign
                then cast(
                    cast(
                        cast(dated.value as decimal(22, 6)) * cast(rates.rate as decimal(16, 12)) as decimal(38, 2)
                    ) as double
                )
            else dated.value
        end as euros
    from dated
    left join rates
        on dated.currency = rates.currency
        and cast(dated.occurred_at as date) = rates.paid_on

),

known_in_euros as (

    select
        *,
        value is null or coalesce(euros <= {{ var('most_euros') }}, false) as is_in_euros,
        -- A rate may arrive later, and a moment may be yet to come: such events are counted every night.
        is_foreign or usable_on > {{ run_day() }} as is_open
    from in_euros

),

delivered as (

    select
        event_id,
        source,
        identifier,
        session_id,
        action,
        item_id,
        category,
        euros as value,
        topics,
        campaign,
        device,
        order_id,
        quantity,
        value as delivered_value,
        currency,
        occurred_at,
        known_on,
        usable_on,
        is_in_euros,
        is_new,
        -- The run's day is not asked: an older day that is built again needs what was ahead of it.
        is_new and (is_payment or usable_on > known_on or not is_in_euros) as is_to_keep,
        is_open or is_new or not {{ is_kept('usable_on') }} as is_fresh,
        case
            when not is_open and (is_new or not {{ is_kept('usable_on') }}) then {{ folded_day('usable_on') }}
        end as summary_on
    from known_in_euros

)

select * from delivered
