with kept as (

    select * from {{ delivered_table('interests_to_date') }}
    where cast(ds as {{ dbt.type_string() }}) = '{{ var("to_date_until") }}'

),

renamed as (

    select
        identifier,
        item_id,
        category,
        period,
        interest,
        looks,
        {{ utc('first_at') }} as first_at,
        first_event_id,
        strongest_weight,
        strongest_action,
        {{ utc('last_at') }} as last_at,
        last_event_id
    from kept

)

select * from renamed
