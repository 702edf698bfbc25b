{{ config(materialized='view') }}

{%- set columns = [
    'identifier', 'events', 'first_usable_on', 'acts', 'first_seen', 'last_seen',
] + act_counts().keys() | list
-%}
with counted as (

    select * from {{ ref('int_acts__counted') }}
    -- What is folded tonight stands in the sums of all days.
    where summary_on is null or not ({{ is_to_date('summary_on') }})

),

kept as (

    select * from {{ ref('stg_summaries__acts') }}
    where not ({{ is_folded('kept_on') }}) and not ({{ is_to_date('kept_on') }})

),

until_then as (

    select * from {{ ref('stg_summaries__acts_to_date') }}

),

all_days as (

    select
        {{ columns | join(', ') }},
        summary_on is not null as is_kept
    from counted
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
