with entrants as (

    select distinct
        person_id,
        sent_on
    from {{ ref('int_entrants__known') }}

),

sessions as (

    select * from {{ ref('int_persons__visited') }}

),

orders as (

    select * from {{ ref('int_payments__identified') }}
    where order_name is not null

),

visited as (

    select distinct
        entrants.person_id,
        entrants.sent_on
    from entrants
    inner join sessions
        on entrants.person_id = sessions.person_id
        and cast(sessions.started_at as date) >= entrants.sent_on
        and cast(sessions.started_at as date) < {{ days_later('entrants.sent_on', var('uplift_days')) }}

),

bought as (

    select
        entrants.person_id,
        entrants.sent_on,
        cast(sum(orders.euros) as double) as euros
    from entrants
    inner join orders
        on entrants.person_id = orders.person_id
        and cast(orders.occurred_at as date) >= entrants.sent_on
        and cast(orders.occurred_at as date) < {{ days_later('entrants.sent_on', var('uplift_days')) }}
    group by entrants.person_id, entrants.sent_on

),

responded as (

    -- An order may come without a session, from a till: who bought has come.
    select
        entrants.person_id,
        entrants.sent_on,
        visited.person_id is not null or bought.person_id is not null as visited,
        bought.person_id is not null as purchased,
        coalesce(bought.euros, 0) as euros
    from entrants
    left join visited on entrants.person_id = visited.person_id and entrants.sent_on = visited.sent_on
    left join bought on entrants.person_id = bought.person_id and entrants.sent_on = bought.sent_on

)

select * from responded
