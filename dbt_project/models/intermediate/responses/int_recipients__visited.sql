with recipients as (

    select * from {{ ref('int_recipients__known') }}

),

events as (

    select * from {{ ref('int_events__identified') }}

),

-- Not int_sessions__attributed: a late act may name another campaign as the first of its session.
campaign_acts as (

    select
        recipients.person_id,
        recipients.sent_on,
        events.campaign,
        row_number() over (
            partition by recipients.person_id, recipients.sent_on, events.identifier, events.session_id
            order by events.occurred_at, events.event_id
        ) as position
    from recipients
    inner join events
        on recipients.person_id = events.person_id
        and greatest(events.known_on, cast(events.occurred_at as date)) < recipients.sent_on
    where events.session_id is not null and events.campaign is not null

),

visited as (

    select
        person_id,
        sent_on,
        campaign,
        count(*) as visits
    from campaign_acts
    where position = 1
    group by person_id, sent_on, campaign

)

select * from visited
