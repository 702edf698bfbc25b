with kept as (

    select * from {{ delivered_table('daily_events') }}
    where {{ is_kept('cast(ds as date)') }}

),

renamed as (

    select
        event_id,
        source,
        identifier,
        session_id,
        action,
        item_id,
        category,
        value,
        topics,
        campaign,
        device,
        order_id,
        quantity,
        currency,
        {{ utc('occurred_at') }} as occurred_at,
        known_on,
        cast(ds as date) as kept_on
    from kept

)

select * from renamed
