with answers as (

    select * from {{ ref('stg_lake__answers') }}

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

identified as (

    select
        answers.answer_id,
        persons.person_id,
        answers.survey,
        answers.question,
        answers.answer,
        answers.occurred_at,
        answers.arrived_on
    from answers
    inner join persons on answers.identifier = persons.identifier

)

select * from identified
