with recipients as (

    select * from {{ ref('int_recipients__known') }}

),

weeks as (

    select * from {{ ref('int_weeks__sent') }}

),

visits as (

    select * from {{ ref('int_visits__converted') }}

),

responded as (

    select
        recipients.person_id,
        recipients.sent_on,
        visits.campaign,
        sum(visits.purchases) as purchases,
        cast(sum({{ exact('visits.euros', places=2) }}) as double) as order_value
    from recipients
    inner join weeks on recipients.sent_on = weeks.sent_on
    inner join visits
        on recipients.person_id = visits.person_id
        and visits.visited_on between weeks.sent_on and weeks.last_day
    where weeks.is_over
    group by recipients.person_id, recipients.sent_on, visits.campaign

)

select * from responded
