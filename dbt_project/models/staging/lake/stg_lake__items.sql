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
        available,

        -- when
        cast(ds as date) as arrived_on
    from delivered
    where cast(ds as date) <= {{ run_day() }}

)

select * from renamed
