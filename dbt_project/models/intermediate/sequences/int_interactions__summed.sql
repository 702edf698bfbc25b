with interests as (

    select * from {{ ref('int_persons__interested') }}
    where item_id is not null

),

consenting as (

    {{ people_who_agree_to('profiling', 'training', 'personalisation') }}

),

summed as (

    select
        interests.person_id,
        interests.item_id,
        min({{ struct_of(['first_at', 'first_event_id']) }}) as first_act,
        -- Of equal weight, the name tells what says more: bought before rated, rated before looked at.
        min({{ struct_of(['order_of_strength', 'strongest_action']) }}) as strongest_act
    from interests
    inner join consenting on interests.person_id = consenting.person_id
    group by interests.person_id, interests.item_id

),

interactions as (

    select
        person_id,
        item_id,
        first_act.first_at,
        first_act.first_event_id,
        strongest_act.strongest_action
    from summed

)

select * from interactions
