with kept as (

    select * from {{ delivered_table('daily_event_ids') }}
    where {{ is_kept('cast(ds as date)') }}

),

renamed as (

    select
        event_id,
        identifier,
        cast(ds as date) as kept_on
    from kept

)

select * from renamed
