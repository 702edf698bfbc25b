{{ config(materialized='table') }}

with of_events as (

    select * from {{ ref('stg_lake__events_set_aside') }}

),

of_events_before as (

    select * from {{ ref('stg_summaries__events_set_aside') }}

),

delivered as (

    {%- for name, refused in var('refused_by_contract').items() if name != 'events' %}
    select
        '{{ name }}' as table_name,
        case
            {%- for column, condition in refused %}
            when {{ condition }} then '{{ column }}'
            {%- endfor %}
        end as column_name
    from {{ delivered_table(name) }}
    where cast(ds as date) <= {{ run_day() }}
    {{- ' union all' if not loop.last }}
    {%- endfor %}

),

counted as (

    select
        table_name,
        column_name,
        count(*) as set_aside_rows
    from delivered
    where column_name is not null
    group by table_name, column_name
    union all
    select
        'events' as table_name,
        column_name,
        set_aside_rows
    from of_events
    union all
    select
        'events' as table_name,
        column_name,
        set_aside_rows
    from of_events_before

),

set_aside as (

    select
        table_name,
        column_name,
        cast(sum(set_aside_rows) as bigint) as set_aside_rows
    from counted
    group by table_name, column_name

)

select * from set_aside
