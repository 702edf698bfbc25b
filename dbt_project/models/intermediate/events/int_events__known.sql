with events as (

    select * from {{ ref('stg_lake__events') }}

),

event_ids as (

    select * from {{ ref('stg_summaries__event_ids') }}

),

known as (

    select event_id
    from event_ids
    where event_id in (select event_id from events)

)

select * from known
