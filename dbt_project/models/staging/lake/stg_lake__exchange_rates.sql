with delivered as (

    select * from {{ lake_table('exchange_rates') }}

),

renamed as (

    select
        -- key
        currency,
        rated_on,

        -- what
        source,
        rate,

        -- when
        cast(ds as date) as arrived_on
    from delivered
    where cast(ds as date) <= {{ run_day() }}

)

select * from renamed
