{%- set actions = item_actions_by_name() -%}
with interests as (

    select
        identifier,
        item_id,
        looks,
        first_at,
        strongest_weight,
        strongest_action
    from {{ ref('int_interests__to_date') }}
    where item_id is not null

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

consenting as (

    {{ people_who_agree_to('profiling', 'training', 'personalisation') }}

),

summed as (

    select
        persons.person_id,
        interests.item_id,
        max(interests.looks) as looks,
        min(interests.first_at) as first_at,
        max(interests.strongest_weight) as strongest_weight
        {%- for action in actions %},
        max(case when interests.strongest_action = '{{ action }}' then interests.strongest_weight end) as {{ action }}_weight
        {%- endfor %}
    from interests
    inner join persons on interests.identifier = persons.identifier
    inner join consenting on persons.person_id = consenting.person_id
    group by persons.person_id, interests.item_id

),

interactions as (

    select
        person_id,
        item_id,
        looks,
        first_at,
        -- Of equal weight, the name tells what says more: bought before rated, rated before looked at.
        case strongest_weight
            {%- for action in actions %}
            when {{ action }}_weight then '{{ action }}'
            {%- endfor %}
        end as strongest_action
    from summed

)

select * from interactions
