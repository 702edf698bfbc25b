with interests as (

    select * from {{ ref('int_persons__interested') }}

),

items as (

    select * from {{ ref('int_items__described') }}

),

consenting as (

    {{ people_who_agree_to('profiling') }}

),

categorised as (

    select
        interests.person_id,
        interests.item_id,
        coalesce(nullif(items.category, 'unknown'), interests.category) as category,
        interests.decayed_weight
    from interests
    inner join consenting on interests.person_id = consenting.person_id
    left join items on interests.item_id = items.item_id

),

expressed as (

    select * from categorised
    where category is not null

)

select * from expressed
