with seen as (

    select * from {{ ref('int_persons__seen') }}

),

purchases as (

    select * from {{ ref('int_purchases__summed') }}

),

habits as (

    select * from {{ ref('int_habits__counted') }}

),

edges as (

    select * from {{ ref('stg_lake__identity_edges') }}
    -- A click of so many days had not arrived more than so many days ago; a clock may run ahead by one.
    where arrived_on > {{ days_later(run_day(), -(var('newsletter_days') + 2)) }}

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

at_risk as (

    select
        person_id,
        'at_risk' as segment
    from purchases
    where
        frequency >= {{ var('at_risk_frequency') }}
        and recency_days > {{ var('active_recency_days') }}

),

high_spender as (

    select
        person_id,
        'high_spender' as segment
    from purchases
    where monetary >= {{ var('high_spender_euros') }}

),

new_this_week as (

    select
        person_id,
        'new_this_week' as segment
    from seen
    where {{ age_days('first_seen') }} < {{ var('new_days') }}

),

newsletter_reader as (

    select distinct
        persons.person_id,
        'newsletter_reader' as segment
    from edges
    inner join persons on edges.left_identifier = persons.identifier
    where
        edges.kind = 'email_click'
        and {{ age_days('edges.occurred_at') }} < {{ var('newsletter_days') }}

),

weekend_shopper as (

    select
        person_id,
        'weekend_shopper' as segment
    from habits
    where
        acts >= {{ var('weekend_shopper_acts') }}
        and weekend_share >= {{ var('weekend_shopper_share') }}

),

consenting as (

    {{ people_who_agree_to('profiling') }}

),

candidates as (

    select * from at_risk
    union all
    select * from high_spender
    union all
    select * from new_this_week
    union all
    select * from newsletter_reader
    union all
    select * from weekend_shopper

),

assigned as (

    select candidates.*
    from candidates
    inner join consenting on candidates.person_id = consenting.person_id

)

select * from assigned
