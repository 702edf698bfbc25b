with delivered as (

    select * from {{ lake_table('sends') }}

),

renamed as (

    select
        -- key
        send_id,

        -- who
        source,
        identifier,

        -- what
        message_id,
        campaign,
        plan,
        channel,
        status,
        permanent as is_permanent,
        by_machine as is_by_machine,

        -- when
        {{ utc('occurred_at') }} as occurred_at,
        cast(ds as date) as arrived_on
    from delivered
    where cast(ds as date) <= {{ run_day() }}

)

select * from renamed
