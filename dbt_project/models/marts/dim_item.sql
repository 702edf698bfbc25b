with items as (

    select * from {{ ref('int_items__described') }}

),

interactions as (

    select * from {{ ref('int_interactions__summed') }}

),

-- A person who comes a million times counts once, so that one visitor cannot make an item popular.
counts as (

    select
        item_id,
        count(*) as interactions
    from interactions
    group by item_id

),

counted as (

    select
        items.item_id,
        items.title,
        items.category,
        items.price,
        items.available,
        items.in_stock,
        items.available_from,
        items.available_until,
        items.brand,
        items.margin,
        coalesce(counts.interactions, 0) as interactions
    from items
    left join counts on items.item_id = counts.item_id

)

select * from counted
