with recipients as (

    select * from {{ ref('int_recipients__known') }}

),

answers as (

    select * from {{ ref('int_answers__understood') }}

),

numbered as (

    select
        recipients.person_id,
        recipients.sent_on,
        answers.attribute,
        answers.answer,
        row_number() over (
            partition by recipients.person_id, recipients.sent_on, answers.attribute
            order by answers.occurred_at desc, answers.arrived_on desc, answers.answer_id, answers.answer
        ) as age
    from recipients
    inner join answers
        on recipients.person_id = answers.person_id
        and greatest(answers.arrived_on, cast(answers.occurred_at as date)) < recipients.sent_on

),

answered as (

    select
        person_id,
        sent_on,
        max(case when attribute = 'age_band' then answer end) as age_band,
        max(case when attribute = 'gender' then answer end) as gender,
        max(case when attribute = 'region' then answer end) as region
    from numbered
    where age = 1
    group by person_id, sent_on

)

select * from answered
