with events as (

    select * from {{ ref('stg_lake__events') }}

),

known as (

    select * from {{ ref('int_events__known') }}

),

-- Of the days that are read tonight, those before the run's day count as earlier, too.
earlier as (

    select event_id from known
    union
    select event_id from events
    where arrived_on < {{ run_day() }}

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

redelivered as (

    select distinct events.event_id
    from events
    inner join earlier on events.event_id = earlier.event_id
    inner join persons on events.identifier = persons.identifier
    where events.arrived_on = {{ run_day() }}

)

select * from redelivered
