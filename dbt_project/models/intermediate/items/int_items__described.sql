with deliveries as (

    select * from {{ ref('stg_lake__items') }}

),

interests as (

    select
        identifier,
        item_id,
        category,
        case when category is null then 1 else 0 end as is_without_category,
        -{{ micros_since_1970('last_at') }} as order_of_last,
        last_event_id
    from {{ ref('int_interests__to_date') }}
    where item_id is not null

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

numbered_deliveries as (

    select
        *,
        row_number() over (partition by item_id order by arrived_on desc, source, title) as age
    from deliveries

),

catalogue as (

    select * from numbered_deliveries
    where age = 1

),

-- Of an item that the catalogue describes, nothing else is asked.
described_by_catalogue as (

    select item_id from catalogue
    where title is not null and category is not null

),

item_acts as (

    select
        interests.item_id,
        -- Acts that state a category come first, the latest of them first of all.
        min({{ struct_of(['is_without_category', 'order_of_last', 'last_event_id', 'category']) }}) as latest
    from interests
    left join described_by_catalogue on interests.item_id = described_by_catalogue.item_id
    inner join persons on interests.identifier = persons.identifier
    where described_by_catalogue.item_id is null
    group by interests.item_id

),

acted_upon as (

    select
        item_id,
        latest.category
    from item_acts

),

described as (

    select
        coalesce(catalogue.item_id, acted_upon.item_id) as item_id,
        coalesce(catalogue.title, acted_upon.item_id) as title,
        coalesce(catalogue.category, acted_upon.category, 'unknown') as category,
        catalogue.price,
        coalesce(catalogue.available, true) as available,
        catalogue.in_stock,
        catalogue.available_from,
        catalogue.available_until,
        catalogue.brand,
        catalogue.margin
    from catalogue
    full outer join acted_upon on catalogue.item_id = acted_upon.item_id

)

select * from described
