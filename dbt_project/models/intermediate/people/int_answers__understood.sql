with answers as (

    select * from {{ ref('int_answers__identified') }}

),

profile_questions as (

    select * from {{ ref('profile_questions') }}

),

consenting as (

    {{ people_who_agree_to('profiling') }}

),

read_by_attribute as (

    select
        answers.answer_id,
        answers.person_id,
        profile_questions.attribute,
        case profile_questions.attribute
            when 'age_band' then {{ age_band('answers.answer') }}
            when 'gender' then lower(nullif({{ trimmed('answers.answer') }}, ''))
            when 'region' then nullif({{ trimmed('answers.answer') }}, '')
        end as answer,
        answers.occurred_at,
        answers.arrived_on
    from answers
    inner join consenting on answers.person_id = consenting.person_id
    inner join profile_questions
        on answers.survey = profile_questions.survey
        and answers.question = profile_questions.question

),

understood as (

    select * from read_by_attribute
    where answer is not null

)

select * from understood
