with events as (

    select * from {{ ref('int_events__delivered') }}

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

-- Lines of orders. What came back has no order of its own: it only takes money off.
identified as (

    select
        persons.person_id,
        events.event_id,
        case when events.action = 'purchase' then {{ order_of() }} end as order_name,
        case
            when events.action = 'return' then -{{ exact('coalesce(events.value, 0)', places=2) }}
            else {{ exact('coalesce(events.value, 0)', places=2) }}
        end as euros,
        events.occurred_at,
        events.usable_on
    from events
    inner join persons on events.identifier = persons.identifier
    where events.action in ('purchase', 'return') and events.is_in_euros

)

select * from identified
