{{ config(materialized='view') }}

{%- set columns = [
    'identifier', 'events', 'first_usable_on', 'acts', 'first_seen', 'last_seen',
] + act_counts().keys() | list
-%}
{{ all_days(columns, 'int_acts__counted', 'stg_summaries__acts', 'stg_summaries__acts_to_date') }}
