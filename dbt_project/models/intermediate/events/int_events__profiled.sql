{{ config(materialized='view') }}

with events as (

    select * from {{ ref('int_events__identified') }}

),

consenting as (

    {{ people_who_agree_to('profiling') }}

),

profiled as (

    select events.*
    from events
    inner join consenting on events.person_id = consenting.person_id

)

select * from profiled
