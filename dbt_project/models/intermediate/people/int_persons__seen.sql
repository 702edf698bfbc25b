with acts as (

    select * from {{ ref('int_persons__acted') }}

),

answers as (

    select * from {{ ref('int_answers__identified') }}

),

signs_of_life as (

    select
        person_id,
        first_seen,
        last_seen
    from acts
    where first_seen is not null
    union all
    select
        person_id,
        occurred_at as first_seen,
        occurred_at as last_seen
    from answers

),

seen as (

    select
        person_id,
        min(first_seen) as first_seen,
        max(last_seen) as last_seen
    from signs_of_life
    group by person_id

)

select * from seen
