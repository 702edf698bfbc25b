{#-
    The latest answers that were known before a day, one row for each person and day that has any.

    people: name of a CTE or a model with `person_id` and `sent_on`, which may repeat.
-#}
{% macro latest_answers(people) -%}
    select
        person_id,
        sent_on,
        max(case when attribute = 'age_band' then answer end) as age_band,
        max(case when attribute = 'gender' then answer end) as gender,
        max(case when attribute = 'region' then answer end) as region
    from (
        select
            people.person_id,
            people.sent_on,
            answers.attribute,
            answers.answer,
            row_number() over (
                partition by people.person_id, people.sent_on, answers.attribute
                order by answers.occurred_at desc, answers.arrived_on desc, answers.answer_id, answers.answer
            ) as age
        from {{ people }} as people
        inner join {{ ref('int_answers__understood') }} as answers
            on people.person_id = answers.person_id
            and greatest(answers.arrived_on, cast(answers.occurred_at as date)) < people.sent_on
    ) as numbered
    where age = 1
    group by person_id, sent_on
{%- endmacro %}
