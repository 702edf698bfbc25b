with weeks as (

    select * from {{ ref('int_weeks__sent') }}

),

visits as (

    select * from {{ ref('int_visits__converted') }}

),

-- A past week has the campaigns that brought somebody in it; the coming week those that did of late.
active as (

    select distinct
        weeks.sent_on,
        visits.campaign
    from weeks
    inner join visits
        on (weeks.is_over and visits.visited_on between weeks.sent_on and weeks.last_day)
        or (
            not weeks.is_over
            and visits.visited_on >= {{ days_later('weeks.sent_on', -var('active_campaign_days')) }}
            and visits.visited_on < weeks.sent_on
        )

)

select * from active
