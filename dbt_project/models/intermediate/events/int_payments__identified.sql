with events as (

    select * from {{ ref('int_events__delivered') }}
    where is_in_euros

),

settled as (

    select * from {{ ref('stg_summaries__events') }}
    where {{ is_settled() }}

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

payments as (

    select
        identifier,
        source,
        action,
        value,
        order_id,
        occurred_at,
        usable_on
    from events
    where action in ('purchase', 'return')
    union all
    select
        identifier,
        source,
        action,
        value,
        order_id,
        occurred_at,
        greatest(known_on, cast(occurred_at as date)) as usable_on
    from settled
    where action in ('purchase', 'return')

),

-- Lines of orders. What came back has no order of its own: it only takes money off.
identified as (

    select
        persons.person_id,
        case when payments.action = 'purchase' then {{ order_of() }} end as order_name,
        case
            when payments.action = 'return' then -{{ exact('coalesce(payments.value, 0)', places=2) }}
            else {{ exact('coalesce(payments.value, 0)', places=2) }}
        end as euros,
        payments.occurred_at,
        payments.usable_on
    from payments
    inner join persons on payments.identifier = persons.identifier

)

select * from identified
