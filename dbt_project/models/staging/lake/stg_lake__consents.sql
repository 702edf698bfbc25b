with delivered as (

    select * from {{ lake_table('consents') }}

),

renamed as (

    select
        -- key
        consent_id,

        -- who
        source,
        identifier,

        -- what
        purpose,
        granted,

        -- when
        {{ utc('occurred_at') }} as occurred_at,
        cast(ds as date) as arrived_on
    from delivered
    where cast(ds as date) <= {{ run_day() }}

)

select * from renamed
