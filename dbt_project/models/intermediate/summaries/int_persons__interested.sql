with interests as (

    select * from {{ ref('int_interests__to_date') }}

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

ordered as (

    select
        persons.person_id,
        interests.*,
        -interests.strongest_weight as order_of_strength,
        -{{ micros_since_1970('interests.last_at') }} as order_of_last
    from interests
    inner join persons on interests.identifier = persons.identifier

),

-- The weights of a period are added up exactly before they pass, so that it does not matter which days are folded.
of_periods as (

    select
        person_id,
        item_id,
        category,
        period,
        {{ exact('sum(interest)', places=20) }} as interest,
        max(looks) as looks,
        min({{ struct_of(['first_at', 'first_event_id']) }}) as first_act,
        min({{ struct_of(['order_of_strength', 'strongest_action']) }}) as strongest_act,
        min({{ struct_of(['order_of_last', 'last_event_id']) }}) as last_act
    from ordered
    group by person_id, item_id, category, period

),

decayed as (

    select
        *,
        cast(interest as double) * power(0.5e0, {{ half_lives_into('period', end_of_run_day()) }}) as decayed_weight
    from of_periods

),

summed as (

    select
        person_id,
        item_id,
        category,
        sum({{ exact('decayed_weight', places=30) }}) as decayed_weight,
        max(looks) as looks,
        min(first_act) as first_act,
        min(strongest_act) as strongest_act,
        min(last_act) as last_act
    from decayed
    group by person_id, item_id, category

),

interested as (

    select
        person_id,
        item_id,
        category,
        decayed_weight,
        looks,
        first_act.first_at,
        first_act.first_event_id,
        strongest_act.order_of_strength,
        strongest_act.strongest_action,
        last_act.order_of_last,
        last_act.last_event_id
    from summed

)

select * from interested
