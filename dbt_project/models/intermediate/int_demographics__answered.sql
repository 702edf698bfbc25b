with answers as (

    select * from {{ ref('int_answers__identified') }}

),

profile_questions as (

    select * from {{ ref('profile_questions') }}

),

understood as (

    select
        answers.person_id,
        profile_questions.attribute,
        case profile_questions.attribute
            when 'age_band' then {{ age_band('answers.answer') }}
            when 'gender' then lower(nullif(trim(answers.answer), ''))
            when 'region' then nullif(trim(answers.answer), '')
        end as answer,
        answers.occurred_at,
        answers.arrived_on,
        answers.answer_id
    from answers
    inner join profile_questions
        on answers.survey = profile_questions.survey
        and answers.question = profile_questions.question

),

numbered as (

    select
        *,
        row_number() over (
            partition by person_id, attribute
            order by occurred_at desc, arrived_on desc, answer_id, answer
        ) as age
    from understood
    where answer is not null

),

answered as (

    select
        person_id,
        max(case when attribute = 'age_band' then answer end) as age_band,
        max(case when attribute = 'gender' then answer end) as gender,
        max(case when attribute = 'region' then answer end) as region
    from numbered
    where age = 1
    group by person_id

)

select * from answered
