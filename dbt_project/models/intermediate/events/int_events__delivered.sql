with events as (

    select * from {{ ref('stg_lake__events') }}

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

rates as (

    select * from {{ ref('int_exchange_rates__dated') }}

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

-- Only money is converted, exactly and to whole cents: the stars of a rating have no currency.
in_euros as (

    select
        first_deliveries.*,
        case
            when
                first_deliveries.currency <> '{{ var("house_currency") }}'
                and first_deliveries.action in ('purchase', 'return')
                then cast(
                    cast(
                        cast(first_deliveries.value as decimal(22, 6)) * cast(rates.rate as decimal(16, 12)) as decimal(38, 2)
                    ) as double
                )
            else first_deliveries.value
        end as euros
    from first_deliveries
    left join rates
        on first_deliveries.currency = rates.currency
        and cast(first_deliveries.occurred_at as date) = rates.paid_on

),

delivered as (

    select
        in_euros.event_id,
        persons.person_id,
        in_euros.source,
        in_euros.identifier,
        in_euros.session_id,
        in_euros.action,
        in_euros.item_id,
        in_euros.category,
        in_euros.euros as value,
        in_euros.topics,
        in_euros.campaign,
        in_euros.device,
        in_euros.order_id,
        in_euros.quantity,
        in_euros.occurred_at,
        in_euros.arrived_on as known_on,
        in_euros.last_arrived_on,
        in_euros.value is null or coalesce(in_euros.euros <= {{ var('most_euros') }}, false) as is_in_euros
    from in_euros
    inner join persons on in_euros.identifier = persons.identifier

)

select * from delivered
