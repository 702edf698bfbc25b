{{ config(materialized='view') }}

with sessions as (

    select * from {{ ref('int_sessions__kept') }}

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

visited as (

    select
        persons.person_id,
        sessions.*
    from sessions
    inner join persons on sessions.identifier = persons.identifier

)

select * from visited
