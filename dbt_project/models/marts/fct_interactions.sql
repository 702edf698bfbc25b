with events as (

    select * from {{ ref('int_events__delivered') }}

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

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
        persons.person_id,
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
    inner join persons on events.identifier = persons.identifier
    inner join consenting on persons.person_id = consenting.person_id
    inner join items on events.item_id = items.item_id
    left join sessions
        on events.identifier = sessions.identifier
        and events.session_id = sessions.session_id
    where
        events.is_new
        and events.is_in_euros
        and events.action in {{ item_actions() }}
        -- Each day of arrival is written once: by its own night, or by the first one after it.
        {%- if var('days_with_interactions') %}
        and cast(events.known_on as {{ dbt.type_string() }}) not in {{ one_of(var('days_with_interactions')) }}
        {%- endif %}

)

select * from interactions
