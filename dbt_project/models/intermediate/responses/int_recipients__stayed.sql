with recipients as (

    select * from {{ ref('int_recipients__known') }}

),

acts as (

    select * from {{ ref('int_persons__acted') }}
    where acts > 0

),

stayed as (

    select distinct
        recipients.person_id,
        recipients.sent_on
    from recipients
    inner join acts
        on recipients.person_id = acts.person_id
        and acts.acted_on >= recipients.sent_on
        and acts.acted_on < {{ days_later('recipients.sent_on', var('churn_days')) }}

)

select * from stayed
