{{ config(materialized='view') }}

{%- set columns = [
    'identifier', 'item_id', 'category', 'period', 'interest', 'looks', 'first_at', 'first_event_id', 'strongest_weight',
    'strongest_action', 'last_at', 'last_event_id',
]
-%}
{{ all_days(columns, 'int_interests__shown', 'stg_summaries__interests', 'stg_summaries__interests_to_date') }}
