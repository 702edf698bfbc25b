with events as (

    select
        *,
        -- A clock that runs ahead makes an act new, not heavier.
        least(occurred_at, {{ end_of_run_day() }}) as counted_at
    from {{ ref('int_events__delivered') }}
    where is_fresh and is_in_euros and action <> 'return'

),

topic_categories as (

    select * from {{ ref('topic_categories') }}

),

kept as (

    select * from {{ ref('stg_summaries__interests') }}
    where {{ is_folded('kept_on') }}

),

words as (

    select
        event_id,
        identifier,
        usable_on,
        summary_on,
        occurred_at,
        counted_at,
        {{ explode('topics') }} as topic
    from events
    where action in {{ one_of(var('topic_actions')) }}

),

-- A word that stands twice in one post counts once.
distinct_words as (

    select distinct * from words

),

acts as (

    select
        identifier,
        item_id,
        category,
        usable_on,
        summary_on,
        counted_at,
        {{ act_weight('action', 'value') }} as act_weight,
        case when action in ('view', 'cart', 'purchase') then 1 else 0 end as looks,
        occurred_at,
        event_id,
        action
    from events
    where action in {{ item_actions() }} and (item_id is not null or category is not null)
    union all
    select
        distinct_words.identifier,
        cast(null as {{ dbt.type_string() }}) as item_id,
        topic_categories.category,
        distinct_words.usable_on,
        distinct_words.summary_on,
        distinct_words.counted_at,
        cast({{ var('weight_of_a_topic') }} as double) as act_weight,
        0 as looks,
        distinct_words.occurred_at,
        distinct_words.event_id,
        cast(null as {{ dbt.type_string() }}) as action
    from distinct_words
    inner join topic_categories on distinct_words.topic = topic_categories.topic

),

in_periods as (

    select
        *,
        {{ decay_period('counted_at') }} as period
    from acts

),

weighed as (

    select
        identifier,
        item_id,
        category,
        period,
        {{ folded_day('usable_on') }} as usable_on,
        summary_on,
        {{ exact('act_weight * power(2e0, ' ~ half_lives_into('period', 'counted_at') ~ ')', places=20) }} as interest,
        {{ exact('act_weight', places=2) }} as weight,
        looks,
        occurred_at as first_at,
        event_id as first_event_id,
        act_weight as strongest_weight,
        action as strongest_action,
        occurred_at as last_at,
        event_id as last_event_id
    from in_periods
    union all
    select
        identifier,
        item_id,
        category,
        period,
        {{ folded_day('usable_on') }} as usable_on,
        {{ folded_day('usable_on') }} as summary_on,
        interest,
        weight,
        looks,
        first_at,
        first_event_id,
        strongest_weight,
        strongest_action,
        last_at,
        last_event_id
    from kept

),

ordered as (

    select
        *,
        -strongest_weight as order_of_strength,
        -{{ micros_since_1970('last_at') }} as order_of_last
    from weighed

),

summed as (

    select
        identifier,
        item_id,
        category,
        period,
        usable_on,
        summary_on,
        {{ exact('sum(interest)', places=20) }} as interest,
        {{ exact('sum(weight)', places=2) }} as weight,
        max(looks) as looks,
        min({{ struct_of(['first_at', 'first_event_id']) }}) as first_act,
        min({{ struct_of(['order_of_strength', 'strongest_weight', 'strongest_action']) }}) as strongest_act,
        min({{ struct_of(['order_of_last', 'last_at', 'last_event_id']) }}) as last_act
    from ordered
    group by identifier, item_id, category, period, usable_on, summary_on

),

shown as (

    select
        identifier,
        item_id,
        category,
        period,
        usable_on,
        summary_on,
        interest,
        weight,
        looks,
        first_act.first_at,
        first_act.first_event_id,
        strongest_act.strongest_weight,
        strongest_act.strongest_action,
        last_act.last_at,
        last_act.last_event_id
    from summed

)

select * from shown
