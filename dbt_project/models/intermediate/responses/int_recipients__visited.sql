with recipients as (

    select * from {{ ref('int_recipients__known') }}

),

sessions as (

    select * from {{ ref('int_persons__visited') }}
    where campaign is not null

),

-- Not int_sessions__attributed: a late act may name another campaign as the first of its session.
known as (

    select
        recipients.person_id,
        recipients.sent_on,
        sessions.campaign,
        row_number() over (
            partition by recipients.person_id, recipients.sent_on, sessions.identifier, sessions.session_id
            order by sessions.campaign_at, sessions.campaign_event_id
        ) as position
    from recipients
    inner join sessions
        on recipients.person_id = sessions.person_id
        and sessions.usable_on < recipients.sent_on

),

visited as (

    select
        person_id,
        sent_on,
        campaign,
        count(*) as visits
    from known
    where position = 1
    group by person_id, sent_on, campaign

)

select * from visited
