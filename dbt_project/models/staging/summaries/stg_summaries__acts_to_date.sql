with kept as (

    select * from {{ delivered_table('acts_to_date') }}
    where cast(ds as {{ dbt.type_string() }}) = '{{ var("to_date_until") }}'

),

renamed as (

    select
        identifier,
        events,
        first_usable_on,
        {{ utc('first_seen') }} as first_seen,
        {{ utc('last_seen') }} as last_seen,
        acts,
        {{ act_counts().keys() | join(',\n        ') }}
    from kept

)

select * from renamed
