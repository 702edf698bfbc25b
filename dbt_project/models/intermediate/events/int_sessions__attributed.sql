with sessions as (

    select * from {{ ref('int_persons__visited') }}

),

named as (

    select
        identifier,
        session_id,
        campaign,
        row_number() over (partition by identifier, session_id order by campaign_at, campaign_event_id) as position
    from sessions
    where campaign is not null

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
