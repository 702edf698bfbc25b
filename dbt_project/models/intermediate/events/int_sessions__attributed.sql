with events as (

    select * from {{ ref('int_events__identified') }}

),

campaign_acts as (

    select
        identifier,
        session_id,
        campaign,
        row_number() over (partition by identifier, session_id order by occurred_at, event_id) as position
    from events
    where session_id is not null and campaign is not null

),

attributed as (

    select
        identifier,
        session_id,
        campaign
    from campaign_acts
    where position = 1

)

select * from attributed
