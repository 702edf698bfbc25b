with events as (

    select * from {{ ref('int_events__delivered') }}

),

sessions as (

    select * from {{ ref('int_sessions__kept') }}

),

-- Only what arrived tonight is told where it came from.
sessions_of_tonight as (

    select distinct
        identifier,
        session_id
    from events
    where is_new and session_id is not null

),

named as (

    select
        sessions.identifier,
        sessions.session_id,
        sessions.campaign,
        row_number() over (
            partition by sessions.identifier, sessions.session_id
            order by sessions.campaign_at, sessions.campaign_event_id
        ) as position
    from sessions
    inner join sessions_of_tonight
        on sessions.identifier = sessions_of_tonight.identifier
        and sessions.session_id = sessions_of_tonight.session_id
    where sessions.campaign is not null

),

attributed as (

    select
        identifier,
        session_id,
        campaign
    from named
    where position = 1

)

select * from attributed
