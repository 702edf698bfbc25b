with kept as (

    select * from {{ delivered_table('daily_acts') }}
    where {{ is_kept('cast(ds as date)') }}

),

renamed as (

    select
        identifier,
        usable_on,
        acted_on,
        events,
        first_usable_on,
        {{ utc('first_seen') }} as first_seen,
        {{ utc('last_seen') }} as last_seen,
        first_acted_on,
        last_acted_on,
        acts,
        {{ act_counts().keys() | join(',\n        ') }},
        cast(ds as date) as kept_on
    from kept

)

select * from renamed
