with interactions as (

    select * from {{ ref('int_interactions__summed') }}

),

profiles as (

    select * from {{ ref('dim_person_profile') }}

),

first_acts as (

    select
        person_id,
        item_id,
        first_at,
        strongest_action,
        row_number() over (partition by person_id order by first_at, item_id) as position
    from interactions

),

sequences as (

    select
        person_id,
        {{ list_in_order('item_id', 'position') }} as item_ids,
        {{ list_in_order('first_at', 'position') }} as occurred_at,
        {{ list_in_order('strongest_action', 'position') }} as strongest_actions
    from first_acts
    group by person_id

),

ordered as (

    select
        sequences.person_id,
        sequences.item_ids,
        sequences.occurred_at,
        -- A person who does not agree to profiling has no profile, even after answering.
        coalesce(profiles.age_band, 'unknown') as age_band,
        coalesce(profiles.gender, 'unknown') as gender,
        coalesce(profiles.region, 'unknown') as region,
        sequences.strongest_actions
    from sequences
    left join profiles on sequences.person_id = profiles.person_id

)

select * from ordered
