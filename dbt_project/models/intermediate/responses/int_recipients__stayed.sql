with recipients as (

    select * from {{ ref('int_recipients__known') }}

),

events as (

    select * from {{ ref('int_events__identified') }}

),

stayed as (

    select distinct
        recipients.person_id,
        recipients.sent_on
    from recipients
    inner join events
        on recipients.person_id = events.person_id
        and cast(events.occurred_at as date) >= recipients.sent_on
        and cast(events.occurred_at as date) < {{ days_later('recipients.sent_on', var('churn_days')) }}

)

select * from stayed
