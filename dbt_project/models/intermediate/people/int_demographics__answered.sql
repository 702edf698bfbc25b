with answers as (

    select * from {{ ref('int_answers__understood') }}

),

numbered as (

    select
        *,
        row_number() over (
            partition by person_id, attribute
            order by occurred_at desc, arrived_on desc, answer_id, answer
        ) as age
    from answers

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
