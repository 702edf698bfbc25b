{{ config(materialized='view') }}

{%- set columns = [
    'identifier', 'session_id', 'usable_on', 'campaign', 'campaign_event_id', 'purchases', 'euros',
    'started_at', 'ended_at', 'campaign_at',
] -%}
with summed as (

    select * from {{ ref('int_sessions__summed') }}

),

kept as (

    select * from {{ ref('stg_summaries__sessions') }}
    where not ({{ is_folded('kept_on') }})

),

all_days as (

    select
        {{ columns | join(', ') }}
    from summed
    union all
    select
        {{ columns | join(', ') }}
    from kept

)

select * from all_days
