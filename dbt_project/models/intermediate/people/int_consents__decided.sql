with consents as (

    select * from {{ ref('stg_lake__consents') }}

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

numbered as (

    select
        persons.person_id,
        consents.purpose,
        consents.granted,
        row_number() over (
            partition by persons.person_id, consents.purpose
            -- Of two decisions at the same moment the withdrawal counts.
            order by consents.occurred_at desc, case when consents.granted then 1 else 0 end
        ) as age
    from consents
    inner join persons on consents.identifier = persons.identifier
    -- A decision of a clock that runs ahead counts once its moment has come.
    where consents.occurred_at < {{ end_of_run_day() }}

),

latest as (

    select * from numbered
    where age = 1

),

decided as (

    select
        person_id,
        {%- for purpose in purposes() %}
        coalesce(max(case when purpose = '{{ purpose }}' and granted then 1 end), 0) = 1
            as consent_{{ purpose }}{{ ',' if not loop.last }}
        {%- endfor %}
    from latest
    group by person_id

)

select * from decided
