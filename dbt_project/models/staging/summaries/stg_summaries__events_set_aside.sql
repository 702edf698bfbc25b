with kept as (

    select * from {{ delivered_table('daily_events_set_aside') }}
    where {{ is_kept('cast(ds as date)') }}

),

renamed as (

    select
        column_name,
        set_aside_rows,
        cast(ds as date) as kept_on
    from kept

)

select * from renamed
