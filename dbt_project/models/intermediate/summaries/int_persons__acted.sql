with acts as (

    select * from {{ ref('int_acts__to_date') }}

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

acted as (

    select
        persons.person_id,
        min(acts.first_usable_on) as first_usable_on,
        min(acts.first_seen) as first_seen,
        max(acts.last_seen) as last_seen,
        cast(sum(acts.acts) as bigint) as acts
        {%- for name in act_counts() %},
        cast(sum(acts.{{ name }}) as bigint) as {{ name }}
        {%- endfor %}
    from acts
    inner join persons on acts.identifier = persons.identifier
    group by persons.person_id

)

select * from acted
