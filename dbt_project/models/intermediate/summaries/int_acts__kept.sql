{{ config(materialized='view') }}

{%- set columns = [
    'identifier', 'usable_on', 'acted_on', 'events', 'first_usable_on', 'first_acted_on', 'last_acted_on', 'acts',
    'first_seen', 'last_seen',
] + act_counts().keys() | list -%}
with counted as (

    select * from {{ ref('int_acts__counted') }}

),

kept as (

    select * from {{ ref('stg_summaries__acts') }}
    where not ({{ is_folded('kept_on') }})

),

all_days as (

    select
        {{ columns | join(', ') }}
    from counted
    union all
    select
        {{ columns | join(', ') }}
    from kept

)

select * from all_days
