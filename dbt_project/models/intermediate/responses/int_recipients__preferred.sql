{%- set ages = range(var('response_weeks') + 1) -%}
with recipients as (

    select * from {{ ref('int_recipients__known') }}

),

identifiers as (

    select
        identifier,
        person_id
    from {{ ref('stg_lake__persons') }}
    where person_id in (select person_id from recipients)

),

interests as (

    select
        identifier,
        item_id,
        usable_on,
        weight
    from {{ ref('int_interests__kept') }}
    where item_id is not null

),

items as (

    select
        item_id,
        category
    from {{ ref('int_items__described') }}
    where category <> 'unknown'

),

-- Of each week (`int_weeks__sent`), what acts before it weigh: one pass over the acts, in which each counts for all weeks after it.
weights as (

    select
        identifiers.person_id,
        items.category
        {%- for age in ages %},
        -sum(case when interests.usable_on < {{ week_sent(age) }} then interests.weight end) as order_{{ age }}
        {%- endfor %}
    from interests
    inner join identifiers on interests.identifier = identifiers.identifier
    inner join items on interests.item_id = items.item_id
    group by identifiers.person_id, items.category

),

heaviest as (

    select
        person_id
        {%- for age in ages %},
        min(
            case when order_{{ age }} is not null then {{ struct_of(['order_' ~ age, 'category']) }} end
        ) as heaviest_{{ age }}
        {%- endfor %}
    from weights
    group by person_id

),

of_weeks as (

    select
        recipients.person_id,
        recipients.sent_on,
        case recipients.sent_on
            {%- for age in ages %}
            when {{ week_sent(age) }} then heaviest.heaviest_{{ age }}.category
            {%- endfor %}
        end as favourite_category
    from recipients
    inner join heaviest on recipients.person_id = heaviest.person_id

),

preferred as (

    select * from of_weeks
    where favourite_category is not null

)

select * from preferred
