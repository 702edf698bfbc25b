with acts as (

    select * from {{ ref('int_acts__kept') }}

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

acted as (

    select
        persons.person_id,
        acts.*
    from acts
    inner join persons on acts.identifier = persons.identifier

)

select * from acted
