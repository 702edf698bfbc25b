with deliveries as (

    select * from {{ ref('stg_lake__items') }}

),

interests as (

    select * from {{ ref('int_persons__interested') }}

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

item_acts as (

    select
        item_id,
        category,
        -- Acts that state a category come first, the latest of them first of all.
        row_number() over (
            partition by item_id
            order by case when category is null then 1 else 0 end, order_of_last, last_event_id
        ) as position
    from interests
    where item_id is not null

),

acted_upon as (

    select * from item_acts
    where position = 1

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
