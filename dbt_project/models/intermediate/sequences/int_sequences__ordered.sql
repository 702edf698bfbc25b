with interactions as (

    select * from {{ ref('fct_interactions') }}

),

profiles as (

    select * from {{ ref('dim_person_profile') }}

),

numbered as (

    select
        person_id,
        item_id,
        occurred_at,
        event_id,
        row_number() over (partition by person_id, item_id order by occurred_at, event_id) as encounter,
        -- Of equal weight, the name tells what says more: bought before rated, rated before looked at.
        first_value(action) over (
            partition by person_id, item_id
            order by weight desc, action
            rows between unbounded preceding and unbounded following
        ) as strongest_action
    from interactions

),

first_acts as (

    select
        person_id,
        item_id,
        occurred_at,
        strongest_action,
        row_number() over (partition by person_id order by occurred_at, event_id) as position
    from numbered
    where encounter = 1

),

sequences as (

    select
        person_id,
        {{ list_in_order('item_id', 'position') }} as item_ids,
        {{ list_in_order('occurred_at', 'position') }} as occurred_at,
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
