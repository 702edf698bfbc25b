with delivered as (

    select * from {{ lake_table('items') }}

),

renamed as (

    select
        -- key
        item_id,

        -- what
        source,
        title,
        category,
        categories,
        price,
        picture,
        sound,
        available,
        in_stock,
        available_from,
        available_until,
        brand,
        margin,

        -- when
        cast(ds as date) as arrived_on
    from delivered
    where cast(ds as date) <= {{ run_day() }}

)

select * from renamed
