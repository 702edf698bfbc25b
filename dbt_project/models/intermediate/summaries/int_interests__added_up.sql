{{ config(materialized='view') }}

with interests as (

    select * from {{ ref('int_interests__to_date') }}
    where is_kept

),

ordered as (

    select
        *,
        -strongest_weight as order_of_strength,
        -{{ micros_since_1970('last_at') }} as order_of_last
    from interests

),

summed as (

    select
        identifier,
        item_id,
        category,
        period,
        {{ exact('sum(interest)', places=20) }} as interest,
        max(looks) as looks,
        min({{ struct_of(['first_at', 'first_event_id']) }}) as first_act,
        min({{ struct_of(['order_of_strength', 'strongest_weight', 'strongest_action']) }}) as strongest_act,
        min({{ struct_of(['order_of_last', 'last_at', 'last_event_id']) }}) as last_act
    from ordered
    group by identifier, item_id, category, period

),

added_up as (

    select
        identifier,
        {{ run_day() }} as to_date,
        item_id,
        category,
        period,
        interest,
        looks,
        first_act.first_at,
        first_act.first_event_id,
        strongest_act.strongest_weight,
        strongest_act.strongest_action,
        last_act.last_at,
        last_act.last_event_id
    from summed

)

select * from added_up
