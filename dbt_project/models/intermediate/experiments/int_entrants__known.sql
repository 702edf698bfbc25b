with assignments as (

    select * from {{ ref('stg_lake__assignments') }}

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

consents as (

    select * from {{ ref('dim_person_consent') }}

),

-- By identifier, since people may have merged after that night; two of them have seen two arms.
entered as (

    select
        persons.person_id,
        assignments.experiment as campaign,
        min({{ days_later('assignments.since', 1) }}) as sent_on,
        max(case when assignments.arm = 'holdout' then 0 else 1 end) = 1 as treated,
        max(case when assignments.left_out then 1 else 0 end) = 1 or count(*) > 1 as left_out
    from assignments
    inner join persons on assignments.identifier = persons.identifier
    group by persons.person_id, assignments.experiment

),

-- The policy's global holdout gets no message of any campaign, whatever arm its people have there; its experiment `challenger`
-- is about lists, and sends nothing.
held_back as (

    select person_id from entered
    where campaign = 'global' and (left_out or not treated)

),

-- What came of it is known once the window is over, and what was known before it only as long as summaries are kept by day.
known as (

    select
        entered.person_id,
        entered.campaign,
        entered.sent_on,
        entered.treated
    from entered
    inner join consents on entered.person_id = consents.person_id
    left join held_back on entered.person_id = held_back.person_id
    where held_back.person_id is null and entered.campaign not in ('global', 'challenger')
        and consents.consent_training and consents.consent_marketing_contact
        and not entered.left_out
        and {{ days_later('entered.sent_on', var('uplift_days') - 1) }} <= {{ run_day() }}
        and entered.sent_on >= {{ days_later(run_day(), 1 - 7 * var('response_weeks')) }}

)

select * from known
