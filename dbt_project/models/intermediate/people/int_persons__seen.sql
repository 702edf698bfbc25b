with events as (

    select * from {{ ref('int_events__identified') }}

),

returns as (

    select * from {{ ref('int_returns__identified') }}

),

answers as (

    select * from {{ ref('int_answers__identified') }}

),

signs_of_life as (

    select person_id, occurred_at from events
    union all
    select person_id, occurred_at from returns
    union all
    select person_id, occurred_at from answers

),

seen as (

    select
        person_id,
        min(occurred_at) as first_seen,
        max(occurred_at) as last_seen
    from signs_of_life
    group by person_id

)

select * from seen
