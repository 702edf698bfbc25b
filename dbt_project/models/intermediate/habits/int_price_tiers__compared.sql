with items as (

    select * from {{ ref('int_items__described') }}

),

interactions as (

    select * from {{ ref('int_interactions__summed') }}
    where looks = 1

),

consenting as (

    {{ people_who_agree_to('profiling') }}

),

-- The middle of the places that an item's price takes among the prices of its category, from 0 to 1: of three
-- different prices 1/6, 1/2 and 5/6; of equal prices 1/2 each.
positioned as (

    select
        item_id,
        (
            rank() over (partition by category order by price) - 1
            + count(*) over (partition by category, price) / 2e0
        ) / count(*) over (partition by category) as price_position
    from items
    where price is not null and category <> 'unknown'

),

medians as (

    select
        interactions.person_id,
        median(positioned.price_position) as price_position
    from interactions
    inner join consenting on interactions.person_id = consenting.person_id
    inner join positioned on interactions.item_id = positioned.item_id
    group by interactions.person_id

),

compared as (

    select
        person_id,
        price_position,
        case
            when price_position < 1 / 3e0 then 'low'
            when price_position <= 2 / 3e0 then 'middle'
            else 'high'
        end as price_tier
    from medians

)

select * from compared
