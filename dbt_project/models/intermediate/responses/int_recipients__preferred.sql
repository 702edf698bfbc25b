with recipients as (

    select * from {{ ref('int_recipients__known') }}

),

people as (

    select distinct person_id from recipients

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

interests as (

    select * from {{ ref('int_interests__kept') }}
    where item_id is not null

),

items as (

    select * from {{ ref('int_items__described') }}

),

-- Acts that can be used from the same week on are one row.
weights_of_weeks as (

    select
        persons.person_id,
        items.category,
        {{ first_week_after('interests.usable_on') }} as usable_from,
        sum(interests.weight) as weight
    from interests
    inner join persons on interests.identifier = persons.identifier
    inner join people on persons.person_id = people.person_id
    inner join items on interests.item_id = items.item_id
    where items.category <> 'unknown'
    group by persons.person_id, items.category, {{ first_week_after('interests.usable_on') }}

),

weights as (

    select
        recipients.person_id,
        recipients.sent_on,
        weights_of_weeks.category,
        sum(weights_of_weeks.weight) as weight
    from recipients
    inner join weights_of_weeks
        on recipients.person_id = weights_of_weeks.person_id
        and weights_of_weeks.usable_from <= recipients.sent_on
    group by recipients.person_id, recipients.sent_on, weights_of_weeks.category

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
