{{ config(materialized='table') }}

with delivered as (

    {%- for name, refused in var('refused_by_contract').items() %}
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

set_aside as (

    select
        table_name,
        column_name,
        count(*) as set_aside_rows
    from delivered
    where column_name is not null
    group by table_name, column_name

)

select * from set_aside
