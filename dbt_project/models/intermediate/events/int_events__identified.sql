{{ config(materialized='view') }}

with events as (

    select * from {{ ref('int_events__delivered') }}

),

identified as (

    select * from events
    where action <> 'return' and is_in_euros

)

select * from identified
