with events as (

    select * from {{ ref('stg_lake__events') }}

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

numbered as (

    select
        *,
        row_number() over (partition by event_id order by arrived_on, occurred_at, identifier) as delivery,
        max(arrived_on) over (partition by event_id) as last_arrived_on
    from events

),

first_deliveries as (

    select * from numbered
    where delivery = 1

),

identified as (

    select
        first_deliveries.event_id,
        persons.person_id,
        first_deliveries.identifier,
        first_deliveries.session_id,
        first_deliveries.action,
        first_deliveries.item_id,
        first_deliveries.category,
        first_deliveries.value,
        first_deliveries.topics,
        first_deliveries.campaign,
        first_deliveries.device,
        first_deliveries.occurred_at,
        first_deliveries.arrived_on as known_on,
        first_deliveries.last_arrived_on
    from first_deliveries
    inner join persons on first_deliveries.identifier = persons.identifier

)

select * from identified
