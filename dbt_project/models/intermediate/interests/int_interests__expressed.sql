with events as (

    select * from {{ ref('int_events__profiled') }}

),

items as (

    select * from {{ ref('int_items__described') }}

),

topic_categories as (

    select * from {{ ref('topic_categories') }}

),

item_acts as (

    select
        events.event_id,
        events.person_id,
        events.occurred_at,
        coalesce(nullif(items.category, 'unknown'), events.category) as category,
        {{ act_weight('events.action', 'events.value') }} as weight
    from events
    left join items on events.item_id = items.item_id
    where events.action in {{ item_actions() }}

),

words as (

    select
        event_id,
        person_id,
        occurred_at,
        {{ explode('topics') }} as topic
    from events
    where action in {{ one_of(var('topic_actions')) }}

),

-- A word that stands twice in one post counts once.
distinct_words as (

    select distinct * from words

),

word_acts as (

    select
        distinct_words.event_id,
        distinct_words.person_id,
        distinct_words.occurred_at,
        topic_categories.category,
        cast({{ var('weight_of_a_topic') }} as double) as weight
    from distinct_words
    inner join topic_categories on distinct_words.topic = topic_categories.topic

),

acts as (

    select * from item_acts
    union all
    select * from word_acts

),

expressed as (

    select
        event_id,
        person_id,
        category,
        weight,
        weight * power(0.5, {{ age_days('occurred_at') }} / {{ var('interest_half_life_days') }}) as decayed_weight
    from acts
    where category is not null

)

select * from expressed
