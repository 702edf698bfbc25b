with acts as (

    select * from {{ ref('int_persons__acted') }}

),

answers as (

    select * from {{ ref('int_answers__identified') }}

),

consents as (

    select * from {{ ref('dim_person_consent') }}

),

weeks as (

    select * from {{ ref('int_weeks__sent') }}

),

-- An act can be used once its day is over and it has arrived.
signs_of_life as (

    select person_id, first_usable_on as seen_on from acts
    where first_usable_on is not null
    union all
    select person_id, greatest(arrived_on, cast(occurred_at as date)) as seen_on from answers

),

first_signs as (

    select
        person_id,
        min(seen_on) as seen_on
    from signs_of_life
    group by person_id

),

known as (

    select
        first_signs.person_id,
        weeks.sent_on
    from first_signs
    inner join consents on first_signs.person_id = consents.person_id
    inner join weeks on first_signs.seen_on < weeks.sent_on
    where consents.consent_marketing_contact
        -- What is over is learned from, what is to come is scored.
        and case when weeks.is_over then consents.consent_training else consents.consent_personalisation end

)

select * from known
