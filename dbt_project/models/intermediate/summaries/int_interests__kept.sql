{{ config(materialized='view') }}

{%- set columns = [
    'identifier', 'item_id', 'category', 'period', 'usable_on', 'interest', 'weight', 'looks', 'first_event_id',
    'strongest_weight', 'strongest_action', 'last_event_id',
    'first_at', 'last_at',
] -%}
with shown as (

    select * from {{ ref('int_interests__shown') }}

),

kept as (

    select * from {{ ref('stg_summaries__interests') }}
    where not ({{ is_folded('kept_on') }})

),

all_days as (

    select
        {{ columns | join(', ') }}
    from shown
    union all
    select
        {{ columns | join(', ') }}
    from kept

)

select * from all_days
