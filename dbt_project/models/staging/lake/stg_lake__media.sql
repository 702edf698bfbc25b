with delivered as (

    select * from {{ lake_table('media') }}

),

renamed as (

    select
        -- keys
        media_id,
        event_id,

        -- who
        source,
        identifier,

        -- what
        coalesce(kind, 'image') as kind,
        path,

        -- when
        {{ utc('occurred_at') }} as occurred_at,
        cast(ds as date) as arrived_on
    from delivered
    where cast(ds as date) <= {{ run_day() }}

)

select * from renamed
