with expressed as (

    select * from {{ ref('int_interests__expressed') }}

),

summed as (

    select
        person_id,
        category,
        sum(decayed_weight) as decayed_weight
    from expressed
    group by person_id, category

),

positioned as (

    select
        *,
        row_number() over (partition by person_id order by decayed_weight desc, category) as position
    from summed
    where decayed_weight > 0

),

kept as (

    select * from positioned
    where position <= {{ var('interest_limit') }}

),

ranked as (

    select
        person_id,
        category,
        position,
        cast(decayed_weight as double)
        / cast(sum(decayed_weight) over (partition by person_id) as double) as weight
    from kept

)

select * from ranked
