with events as (

    select * from {{ ref('int_events__delivered') }}
    where is_fresh

),

kept as (

    select * from {{ ref('stg_summaries__acts') }}
    where {{ is_folded('kept_on') }}

),

signs as (

    select
        *,
        cast(occurred_at as date) as day_of_act,
        is_in_euros and action <> 'return' as is_act
    from events

),

counts as (

    select
        identifier,
        {{ folded_day('usable_on') }} as usable_on,
        case when is_act and not ({{ is_folded('usable_on') }}) then day_of_act end as acted_on,
        summary_on,
        1 as events,
        case when is_in_euros then usable_on end as first_usable_on,
        case when is_in_euros then occurred_at end as first_seen,
        case when is_in_euros then occurred_at end as last_seen,
        case when is_act then day_of_act end as first_acted_on,
        case when is_act then day_of_act end as last_acted_on,
        case when is_act then 1 else 0 end as acts
        {%- for name, condition in act_counts().items() %},
        case when is_act and {{ condition }} then 1 else 0 end as {{ name }}
        {%- endfor %}
    from signs
    union all
    select
        identifier,
        {{ folded_day('usable_on') }} as usable_on,
        cast(null as date) as acted_on,
        {{ folded_day('usable_on') }} as summary_on,
        events,
        first_usable_on,
        first_seen,
        last_seen,
        first_acted_on,
        last_acted_on,
        acts
        {%- for name in act_counts() %},
        {{ name }}
        {%- endfor %}
    from kept

),

counted as (

    select
        identifier,
        usable_on,
        acted_on,
        summary_on,
        cast(sum(events) as bigint) as events,
        min(first_usable_on) as first_usable_on,
        min(first_seen) as first_seen,
        max(last_seen) as last_seen,
        min(first_acted_on) as first_acted_on,
        max(last_acted_on) as last_acted_on,
        cast(sum(acts) as bigint) as acts
        {%- for name in act_counts() %},
        cast(sum({{ name }}) as bigint) as {{ name }}
        {%- endfor %}
    from counts
    group by identifier, usable_on, acted_on, summary_on

)

select * from counted
