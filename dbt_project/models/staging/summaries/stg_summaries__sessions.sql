with kept as (

    select * from {{ delivered_table('daily_sessions') }}
    where {{ is_kept('cast(ds as date)') }}

),

renamed as (

    select
        identifier,
        session_id,
        usable_on,
        {{ utc('started_at') }} as started_at,
        {{ utc('ended_at') }} as ended_at,
        campaign,
        {{ utc('campaign_at') }} as campaign_at,
        campaign_event_id,
        purchases,
        euros,
        cast(ds as date) as kept_on
    from kept

)

select * from renamed
