with persons as (

    select * from {{ ref('int_persons__seen') }}

),

decisions as (

    select * from {{ ref('int_consents__decided') }}

),

-- Who only decided, and never did or answered anything, is known all the same.
known as (

    select person_id from persons
    union
    select person_id from decisions

),

consents as (

    select
        known.person_id,
        {%- for purpose in purposes() %}
        coalesce(decisions.consent_{{ purpose }}, false) as consent_{{ purpose }}{{ ',' if not loop.last }}
        {%- endfor %}
    from known
    left join decisions on known.person_id = decisions.person_id

)

select * from consents
