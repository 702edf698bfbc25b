with recipients as (

    select * from {{ ref('int_recipients__known') }}

),

events as (

    select * from {{ ref('int_events__identified') }}

),

items as (

    select * from {{ ref('int_items__described') }}

),

weights as (

    select
        recipients.person_id,
        recipients.sent_on,
        items.category,
        sum({{ exact(act_weight('events.action', 'events.value'), places=2) }}) as weight
    from recipients
    inner join events
        on recipients.person_id = events.person_id
        and greatest(events.known_on, cast(events.occurred_at as date)) < recipients.sent_on
    inner join items on events.item_id = items.item_id
    where events.action in {{ item_actions() }} and items.category <> 'unknown'
    group by recipients.person_id, recipients.sent_on, items.category

),

ranked as (

    select
        *,
        row_number() over (partition by person_id, sent_on order by weight desc, category) as position
    from weights

),

preferred as (

    select
        person_id,
        sent_on,
        category as favourite_category
    from ranked
    where position = 1

)

select * from preferred
