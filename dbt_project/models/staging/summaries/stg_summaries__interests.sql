with kept as (

    select * from {{ delivered_table('daily_interests') }}
    where {{ is_kept('cast(ds as date)') }}

),

renamed as (

    select
        identifier,
        item_id,
        category,
        period,
        usable_on,
        interest,
        weight,
        looks,
        {{ utc('first_at') }} as first_at,
        first_event_id,
        strongest_weight,
        strongest_action,
        {{ utc('last_at') }} as last_at,
        last_event_id,
        cast(ds as date) as kept_on
    from kept

)

select * from renamed
