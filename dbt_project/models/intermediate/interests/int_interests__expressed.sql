with interests as (

    select
        identifier,
        item_id,
        category,
        period,
        interest
    from {{ ref('int_interests__to_date') }}

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

items as (

    select
        item_id,
        category
    from {{ ref('int_items__described') }}
    where category <> 'unknown'

),

consenting as (

    {{ people_who_agree_to('profiling') }}

),

categorised as (

    select
        persons.person_id,
        coalesce(items.category, interests.category) as category,
        interests.period,
        interests.interest
    from interests
    inner join persons on interests.identifier = persons.identifier
    inner join consenting on persons.person_id = consenting.person_id
    left join items on interests.item_id = items.item_id

),

-- The weights of a period are added up exactly before they pass, so that it does not matter which days are folded.
of_periods as (

    select
        person_id,
        category,
        period,
        {{ exact('sum(interest)', places=20) }} as interest
    from categorised
    where category is not null
    group by person_id, category, period

),

expressed as (

    select
        person_id,
        category,
        {{ exact('cast(interest as double) * power(0.5e0, ' ~ half_lives_into('period', end_of_run_day()) ~ ')', places=30) }}
            as decayed_weight
    from of_periods

)

select * from expressed
