{{ config(materialized='table') }}

with delivered as (

    select
        cast(ds as date) as arrived_on,
        case
            {%- for column, condition in var('refused_by_contract').get('events', [('event_id', 'event_id is null')]) %}
            when {{ condition }} then '{{ column }}'
            {%- endfor %}
        end as column_name
    from {{ delivered_table('events') }}
    where cast(ds as date) <= {{ run_day() }} and not {{ is_kept('cast(ds as date)') }}

),

set_aside as (

    select
        arrived_on,
        column_name,
        count(*) as set_aside_rows
    from delivered
    where column_name is not null
    group by arrived_on, column_name

)

select * from set_aside
