with recipients as (

    select * from {{ ref('int_recipients__known') }}

),

acts as (

    select * from {{ ref('int_acts__kept') }}
    where acts > 0

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

stayed as (

    select distinct
        recipients.person_id,
        recipients.sent_on
    from recipients
    inner join persons on recipients.person_id = persons.person_id
    inner join acts
        on persons.identifier = acts.identifier
        and acts.acted_on >= recipients.sent_on
        and acts.acted_on < {{ days_later('recipients.sent_on', var('churn_days')) }}

)

select * from stayed
