{{ config(materialized='view') }}

{%- set columns = [
    'identifier', 'item_id', 'category', 'period', 'interest', 'looks', 'first_at', 'first_event_id', 'strongest_weight',
    'strongest_action', 'last_at', 'last_event_id',
]
-%}
with shown as (

    select * from {{ ref('int_interests__shown') }}
    -- What is folded tonight stands in the sums of all days.
    where summary_on is null or not ({{ is_to_date('summary_on') }})

),

kept as (

    select * from {{ ref('stg_summaries__interests') }}
    where not ({{ is_folded('kept_on') }}) and not ({{ is_to_date('kept_on') }})

),

until_then as (

    select * from {{ ref('stg_summaries__interests_to_date') }}

),

all_days as (

    select
        {{ columns | join(', ') }},
        summary_on is not null as is_kept
    from shown
    union all
    select
        {{ columns | join(', ') }},
        true as is_kept
    from kept
    union all
    select
        {{ columns | join(', ') }},
        true as is_kept
    from until_then

)

select * from all_days
