with delivered as (

    select * from {{ lake_table('events') }}

),

renamed as (

    select
        -- key
        event_id,

        -- who
        source,
        identifier,
        session_id,
        device,

        -- what
        action,
        item_id,
        category,
        value,
        topics,
        campaign,
        order_id,
        quantity,
        currency,

        -- when
        {{ utc('occurred_at') }} as occurred_at,
        cast(ds as date) as arrived_on
    from delivered
    -- Of the days before, only what their summaries say is read.
    where cast(ds as date) <= {{ run_day() }} and not {{ is_kept('cast(ds as date)') }}

)

select * from renamed
