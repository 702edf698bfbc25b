{{ config(materialized='view') }}

with acts as (

    select * from {{ ref('int_acts__to_date') }}
    where is_kept

),

added_up as (

    select
        identifier,
        {{ run_day() }} as to_date,
        cast(sum(events) as bigint) as events,
        min(first_usable_on) as first_usable_on,
        min(first_seen) as first_seen,
        max(last_seen) as last_seen,
        cast(sum(acts) as bigint) as acts
        {%- for name in act_counts() %},
        cast(sum({{ name }}) as bigint) as {{ name }}
        {%- endfor %}
    from acts
    group by identifier

)

select * from added_up
