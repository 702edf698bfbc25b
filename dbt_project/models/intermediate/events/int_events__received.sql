{%- set columns = [
    'event_id', 'source', 'identifier', 'session_id', 'action', 'item_id', 'category', 'value', 'topics', 'campaign',
    'device', 'order_id', 'quantity', 'currency', 'occurred_at',
] -%}
with events as (

    select * from {{ ref('stg_lake__events') }}

),

known as (

    select * from {{ ref('int_events__known') }}

),

-- Of what is settled, only payments are asked for again (`int_payments__identified`), and nothing about them changes.
kept as (

    select * from {{ ref('stg_summaries__events') }}
    where not {{ is_settled() }}

),

numbered as (

    select
        *,
        row_number() over (partition by event_id order by arrived_on, occurred_at, identifier) as delivery
    from events

),

new_events as (

    select numbered.*
    from numbered
    left join known on numbered.event_id = known.event_id
    where numbered.delivery = 1 and known.event_id is null

),

received as (

    select
        {{ columns | join(', ') }},
        arrived_on as known_on,
        true as is_new
    from new_events
    union all
    select
        {{ columns | join(', ') }},
        known_on,
        false as is_new
    from kept

)

select * from received
