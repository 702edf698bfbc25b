with events as (

    select * from {{ ref('int_events__identified') }}

),

items as (

    select * from {{ ref('int_items__described') }}

),

sessions as (

    select * from {{ ref('int_sessions__attributed') }}

),

consenting as (

    {{ people_who_agree_to('profiling', 'training', 'personalisation') }}

),

interactions as (

    select
        -- keys
        events.event_id,
        events.person_id,
        events.item_id,
        items.category,

        -- when
        events.occurred_at,
        events.known_on,

        -- what
        events.action,
        {{ act_weight('events.action', 'events.value') }} as weight,
        events.value,
        coalesce(sessions.campaign, events.campaign) as campaign
    from events
    inner join consenting on events.person_id = consenting.person_id
    inner join items on events.item_id = items.item_id
    left join sessions
        on events.identifier = sessions.identifier
        and events.session_id = sessions.session_id
    where events.action in {{ item_actions() }}

)

select * from interactions
