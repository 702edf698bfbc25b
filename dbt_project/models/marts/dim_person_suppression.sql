with statuses as (

    select * from {{ ref('stg_lake__sends') }}

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

consenting as (

    {{ people_who_agree_to('personalisation') }}

),

-- Two plain conditions, so that of all that was ever sent only these rows are read as a whole.
reasons as (

    select
        identifier,
        channel,
        cast(occurred_at as date) as refused_on,
        cast(null as date) as complained_on
    from statuses
    where is_permanent and occurred_at < {{ end_of_run_day() }}
    union all
    select
        identifier,
        channel,
        cast(null as date) as refused_on,
        cast(occurred_at as date) as complained_on
    from statuses
    where status = 'complained' and occurred_at < {{ end_of_run_day() }}

),

suppressed as (

    select
        persons.person_id,
        reasons.channel,
        max(reasons.refused_on) as refused_on,
        max(reasons.complained_on) as complained_on
    from reasons
    inner join persons on reasons.identifier = persons.identifier
    inner join consenting on persons.person_id = consenting.person_id
    group by persons.person_id, reasons.channel

)

select * from suppressed
